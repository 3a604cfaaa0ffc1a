"""References are resolved from the environment and from files; only the reference is ever shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.problems import Place
from config.references import Resolved, resolve
from config.yamlfile import Document


def resolved(text: str, folder: Path, environ: dict[str, str] | None = None) -> tuple[str, list[str]]:
    document = Document("c.yaml", {"key": text}, values={("key",): Place("c.yaml", 1, 6)})
    resolve(document, folder, environ or {})
    return document.tree["key"], [str(problem) for problem in document.problems]


@given(st.text())
def test_any_text_with_its_dollar_braces_doubled_stays_as_it_is(text):
    assert resolved(text.replace("${", "$${"), Path()) == (text, [])


@given(st.text(), st.text(), st.text().filter(lambda text: "${" not in text))
def test_a_reference_in_the_middle_takes_in_any_text(value, before, after):
    # A dollar directly before would make it an escape.
    before = before.replace("${", "").rstrip("$")
    text, problems = resolved(before + "${env:X}" + after, Path(), {"X": value})

    assert text == before + value + after
    assert not problems


def test_what_a_reference_brings_in_is_not_looked_into_again():
    assert resolved("${env:A}", Path(), {"A": "${env:B}", "B": "no"})[0] == "${env:B}"


@pytest.mark.parametrize(
    ("text", "whole"), [("${env:A}", True), (" ${env:A}", False), ("${env:A}${env:A}", False), ("x${env:A}", False)]
)
def test_a_text_knows_whether_it_is_one_reference_and_what_was_written(text, whole):
    value, _ = resolved(text, Path(), {"A": "v"})

    assert isinstance(value, Resolved)
    assert (value.whole, value.written) == (whole, text)


def test_a_file_is_read_without_the_line_ends_behind_it(tmp_path):
    (tmp_path / "unix").write_bytes(b" two\nlines \n\n")
    (tmp_path / "windows").write_bytes(b"\xef\xbb\xbfsecret\r\n")

    assert resolved("${file:unix}", tmp_path)[0] == " two\nlines "
    assert resolved(f"${{file:{tmp_path}/windows}}", Path("/elsewhere"))[0] == "secret"


def test_a_variable_may_be_empty_and_keeps_its_spaces():
    assert resolved("a${env:X}b", Path(), {"X": ""}) == ("ab", [])
    assert resolved("${env:X}", Path(), {"X": " v \n"})[0] == " v \n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "${env:NOPE}",
            (
                "found ${env:NOPE}, which is not set, expected a variable of the environment; set NOPE in the "
                "environment of every Crossdock process, or keep the value in a file: ${file:PATH}"
            ),
        ),
        ("${env:NO-PE}", "found ${env:NO-PE}, expected ${env:NAME} with a name of letters, digits and _"),
        (
            "${file:nope}",
            (
                "found ${file:nope}, which is no file, expected a readable text file at /F/nope; "
                "make it, or mount it there"
            ),
        ),
        (
            "${file:.}",
            "found ${file:.}, which is no file, expected a readable text file at /F; make it, or mount it there",
        ),
        ("${file:bytes}", "found ${file:bytes}, which is not UTF-8, expected a readable text file at /F/bytes"),
        (
            "${file:large}",
            "found ${file:large}, which is larger than 64 KiB, expected a readable text file at /F/large",
        ),
        *(
            (
                text,
                (
                    "found a ${ that begins no reference, expected ${env:NAME} or ${file:PATH}; "
                    "write $${ for the characters themselves"
                ),
            )
            for text in ("${HOME}", "${env:}", "${env:A", "${", "a${ENV:A}", "${env:{}}", "${vault:hunter2}")
        ),
    ],
)
def test_a_reference_that_leads_nowhere_says_what_to_do(tmp_path, text, message):
    (tmp_path / "bytes").write_bytes(b"\xff")
    (tmp_path / "large").write_bytes(b"x" * 65_537)

    _, [problem] = resolved(text, tmp_path, {"A": "v"})

    assert problem.replace(str(tmp_path), "/F") == f"c.yaml:1:6: key: {message}"


@given(st.text("${}env:file/ABx.\x00", max_size=30))
def test_whatever_stands_in_braces_is_resolved_or_explained(text):
    resolved(text, Path("/nowhere"), {"A": "v"})
