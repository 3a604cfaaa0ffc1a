"""Every language says all that the code says, with its values and its code left as they are."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys

import pytest
from babel.messages import Catalog
from babel.messages.mofile import read_mo

from tests.shared import REPOSITORY
from webapp import catalogues

PATHS = catalogues.catalogues()
VALUE = re.compile(r"%\(\w+\)[a-z]|%%")
CODE = re.compile(r"`[^`]*`")
SIMPLIFIED = "zh_Hans_CN"

every_language = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.parent.parent.name)


def ids_of(catalogue):
    return {message.id for message in catalogue if message.id}


def translations(path):
    """(what the code says, what the language makes of it); of a plural every form, against the plural."""
    for message in catalogues.load(path):
        if isinstance(message.id, tuple):
            yield from ((message.id[1], form) for form in message.string)
        elif message.id:
            yield message.id, message.string


def test_simplified_chinese_is_there():
    assert SIMPLIFIED in {path.parent.parent.name for path in PATHS}


@every_language
def test_a_language_says_everything_and_nothing_that_is_no_longer_said(path):
    language = catalogues.load(path)
    missing = [catalogues.told(message) for message in catalogues.lacking(language)]
    gone = sorted(map(repr, ids_of(language) - ids_of(catalogues.said())))
    told = [
        f"{path.relative_to(REPOSITORY)}: run `make texts`, which takes out and lists; then translate what is empty.",
        *(f"to be translated: {text}" for text in missing),
        *(f"no longer said: {text}" for text in gone),
    ]
    assert missing + gone == [], "\n".join(told)


@every_language
def test_values_and_code_are_in_a_translation_what_they_are_in_the_text(path):
    wrong = [
        (text, made)
        for text, made in translations(path)
        if sorted(VALUE.findall(text)) != sorted(VALUE.findall(made))
        or set(CODE.findall(text)) != set(CODE.findall(made))
        or re.findall(r"<[^>]+>", text) != re.findall(r"<[^>]+>", made)
    ]
    assert wrong == []


def test_chinese_is_written_in_chinese():
    path = next(path for path in PATHS if path.parent.parent.name == SIMPLIFIED)
    same = {
        text for text, made in translations(path) if text == made and re.search(r"[A-Za-z]{2}", VALUE.sub("", text))
    }
    assert same == {"CSV", "ERP", "`drop: yes`"}


@pytest.fixture
def german(tmp_path, monkeypatch):
    """A catalogue that has fallen behind: one text that is still said, one that is gone, one that nobody is sure of."""
    path = tmp_path / "de" / "LC_MESSAGES" / "messages.po"
    path.parent.mkdir(parents=True)
    path.write_text(
        '# Deutsch\nmsgid ""\nmsgstr ""\n"Language: de\\n"\n"Content-Type: text/plain; charset=utf-8\\n"\n\n'
        'msgid "Sign in"\nmsgstr "Anmelden"\n\nmsgid "Long gone"\nmsgstr "Weg"\n\n#, fuzzy\nmsgid "Role"\nmsgstr "?"\n'
    )
    said = Catalog()
    for message in ("Sign in", "Role", ("%(num)s order", "%(num)s orders")):
        said.add(message, locations=[("webapp/page.html", 7)])
    monkeypatch.setattr(catalogues, "said", lambda: said)
    return path


def test_renewing_keeps_what_is_said_drops_what_is_not_and_lists_what_lacks(german):
    before = catalogues.load(german)
    assert [message.id for message in catalogues.lacking(before)] == ["Role", ("%(num)s order", "%(num)s orders")]
    catalogues.renew(german)
    renewed = german.read_text()
    assert renewed.startswith("# Deutsch\n")
    assert 'msgid "Sign in"\nmsgstr "Anmelden"' in renewed
    assert "Long gone" not in renewed
    assert 'msgstr[1] ""' in renewed
    catalogues.renew(german)
    assert german.read_text() == renewed


def test_what_lacks_is_told_with_its_place(german):
    plural = catalogues.lacking(catalogues.load(german))[1]
    assert catalogues.told(plural) == "webapp/page.html:7: '%(num)s order | %(num)s orders'"


def test_what_is_compiled_is_what_is_translated(tmp_path):
    source = PATHS[0]
    copy = tmp_path / source.relative_to(catalogues.FOLDER)
    copy.parent.mkdir(parents=True)
    shutil.copy(source, copy)
    catalogues.compile_all(tmp_path)
    with copy.with_suffix(".mo").open("rb") as file:
        compiled = read_mo(file)
    assert compiled.get("Sign in").string == catalogues.load(source).get("Sign in").string
    assert len(compiled) == len(catalogues.said())


@pytest.mark.slow
def test_what_is_installed_has_the_compiled_catalogues(tmp_path):
    commands = ["egg_info", "--egg-base", str(tmp_path), "build_py", "--build-lib", str(tmp_path / "made")]
    subprocess.run([sys.executable, "setup.py", "--quiet", *commands], cwd=REPOSITORY, check=True, capture_output=True)
    made = {str(path.relative_to(tmp_path / "made" / "webapp")) for path in (tmp_path / "made").rglob("*.mo")}
    assert made == {str(path.with_suffix(".mo").relative_to(catalogues.FOLDER.parent)) for path in PATHS}
