"""YAML is read as texts with places; nothing is constructed, nothing grows without bound."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from config.problems import Place
from config.yamlfile import MAX_BYTES, MAX_VALUES, Document, read_yaml


def read(tmp_path, content: str | bytes) -> Document:
    path = tmp_path / "c.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_yaml(path, "c.yaml")


def lines(document: Document) -> list[str]:
    return [str(problem) for problem in document.problems]


@pytest.mark.parametrize(
    "text",
    [
        *("NO", "no", "Yes", "on", "off", "true", "False", "null", "~"),
        *("012", "00123", "0o12", "0x1F", "1e3", "1_000", ".5", "1.10", "+1", "-0", ".inf", ".nan", "١٢"),
        *("12:30", "190:20:30", "2026-01-31", "2026-01-31T00:00:00Z", "=", "<<"),
    ],
)
def test_no_text_is_taken_for_anything_else(tmp_path, text):
    assert read(tmp_path, f"key: {text}\n{text}: key\nlist: [{text}]").tree == {
        "key": text,
        text: "key",
        "list": [text],
    }


def test_an_empty_value_is_none_and_a_quoted_one_is_text(tmp_path):
    assert read(tmp_path, "a:\nb: ''\nc: \"\"").tree == {"a": None, "b": "", "c": ""}


TREES = st.recursive(
    st.text(max_size=30),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=10), below, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.text(max_size=10), TREES, max_size=3))
def test_what_a_yaml_writer_writes_as_text_is_read_as_the_same_text(tmp_path_factory, tree):
    folder = tmp_path_factory.mktemp("yaml")
    document = read(folder, yaml.safe_dump(tree, default_style='"', allow_unicode=True))

    if not document.problems:
        assert document.tree == tree
    else:
        # Only the bounds may refuse what is good YAML.
        assert all("nested too deep" in line for line in lines(document))


@given(st.binary(max_size=300) | st.text(max_size=300) | st.text("{}[]:,-&*!|>'\"%@`?# \n\tab<", max_size=120))
def test_whatever_the_file_holds_is_read_or_explained(tmp_path_factory, content):
    document = read(
        tmp_path_factory.mktemp("yaml"),
        content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content,
    )

    assert all(line.startswith("c.yaml") and "found " in line for line in lines(document))


def test_every_key_and_value_knows_its_place(tmp_path):
    document = read(tmp_path, "a:\n  b: c\n  d:\n    - e\n    - f: g\n")

    assert document.keys[("a", "b")] == Place("c.yaml", 2, 3)
    assert document.values[("a", "b")] == Place("c.yaml", 2, 6)
    assert document.values[("a", "d", 0)] == Place("c.yaml", 4, 7)
    assert document.keys[("a", "d", 1, "f")] == Place("c.yaml", 5, 7)


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path):
    assert read(tmp_path, b"\xef\xbb\xbfa: b").tree == {"a": "b"}


@pytest.mark.parametrize("content", ["", "# nothing\n", "---\n", "\n\n"])
def test_an_empty_file_holds_nothing(tmp_path, content):
    document = read(tmp_path, content)

    assert document.tree is None
    assert not document.problems


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("a: 1\nb: 2\na: 3", "c.yaml:3:1: a: found the same key again (first on line 1), expected each key once"),
        (
            "a: {b: 1, b: 2}",
            "c.yaml:1:11: a.b: found the same key again (first on line 1), expected each key once",
        ),
        (
            "a: !!python/object/apply:os.system [touch /tmp/x]",
            "c.yaml:1:4: a: found a tag (!...), expected a plain value; put a text that begins with ! into quotes",
        ),
        (
            "a: !!int 5",
            "c.yaml:1:4: a: found a tag (!...), expected a plain value; put a text that begins with ! into quotes",
        ),
        (
            "password: !hunter!2",
            "c.yaml:1:11: found a tag (!...), expected a plain value; put a text that begins with ! into quotes",
        ),
        ("? [a, b]\n: c", "c.yaml:1:3: found a key that is no text, expected a name followed by a colon"),
        (
            "password: *hunter2",
            (
                "c.yaml:1:11: found an alias without an anchor above it, expected valid YAML; "
                "put a text that begins with * into quotes"
            ),
        ),
        (
            "a: b: c",
            (
                "c.yaml:1:5: found no valid YAML (mapping values are not allowed here); "
                "put a text with `: ` in it into quotes, and look at the indentation"
            ),
        ),
        (
            "a:\n\tb: c",
            (
                "c.yaml:2:1: found no valid YAML (while scanning for the next token, found character "
                "'\\t' that cannot start any token); indent with spaces"
            ),
        ),
        (
            "a: [${env:X}]",
            (
                "c.yaml:1:6: found no valid YAML (while parsing a flow sequence, expected ',' or ']', but got '{'); "
                "put ${...} into quotes where it stands inside [ ] or { }"
            ),
        ),
        (
            "a: 1\n---\nb: 2",
            (
                "c.yaml:2:1: found no valid YAML (expected a single document in the stream, but found another "
                "document); put the second document into a file of its own"
            ),
        ),
        (b"a: b\nc: \xff", "c.yaml:2: found the byte 0xff, which is not UTF-8, expected a file in UTF-8"),
        ("a: b\nc: \x07", "c.yaml:2: found the character U+0007, expected a character that YAML allows"),
        ("a: \x00", "c.yaml:1: found the character U+0000, expected a character that YAML allows"),
        (
            "a: &a [*a]",
            "c.yaml:1:4: found values nested too deep, or an alias inside its own anchor, expected at most 16 levels",
        ),
        (
            "a: " + "[" * 5000,
            "c.yaml:1:18: found values nested too deep, or an alias inside its own anchor, expected at most 16 levels",
        ),
        (
            "x" * (MAX_BYTES + 1),
            "c.yaml: found more than 256 KiB, expected a smaller file; split it into several files",
        ),
    ],
)
def test_what_is_wrong_with_a_file_is_said_with_its_place(tmp_path, content, line):
    found = lines(read(tmp_path, content))

    assert found == [line]
    assert "hunter" not in "".join(found)


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    document = read_yaml(tmp_path / "none.yaml", "none.yaml")

    assert lines(document) == [
        "none.yaml: found a file that cannot be read (No such file or directory), expected a readable YAML file"
    ]


def test_aliases_work(tmp_path):
    document = read(tmp_path, "a: &x {b: c}\nd: *x")

    assert document.tree == {"a": {"b": "c"}, "d": {"b": "c"}}
    assert document.values[("d", "b")] == Place("c.yaml", 1, 11)


def test_a_bomb_of_aliases_is_refused_at_once(tmp_path):
    bomb = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
    bomb += [f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]" for old, new in zip("abcdefgh", "bcdefghi", strict=True)]

    document = read(tmp_path, "\n".join(bomb))

    assert document.tree is None
    assert lines(document)[0].endswith(
        f"found too many values, expected at most {MAX_VALUES} in a file, aliases counted each time"
    )


def test_many_small_values_are_refused_before_they_are_all_read(tmp_path):
    document = read(tmp_path, "{" * 3 + "a," * 100_000)

    assert "too many values" in lines(document)[0]
