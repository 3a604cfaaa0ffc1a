"""Texts in the language of the installation: for what is sent to people, where no browser says which one they read.

English is what the code says. Another language is a compiled catalogue, the same that the console uses.
"""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from babel.core import get_global, parse_locale
from babel.support import NullTranslations, Translations

from mappings.canonical.words import Phrase
from sync.store.said import is_phrase

ENGLISH = NullTranslations()
#: What the code says; it needs no catalogue.
_OURS: Final = "en"


def catalogues_folder() -> Path | None:
    """Where the catalogues are; None where the pages are not installed.

    They stand beside the pages. They are data of the installation: nothing of the pages' code is used for them.
    """
    found = importlib.util.find_spec("webapp")
    places = found.submodule_search_locations if found is not None else None
    return Path(next(iter(places))) / "translations" if places else None


def best_of(wanted: Iterable[str], known: Sequence[str]) -> str | None:
    """The first language that is wanted and known (`zh-CN`, `zh_Hans_CN`): as it is, or that of another country.

    Another script is another language: who reads traditional characters is not given simplified ones.
    """
    for tag in wanted:
        if tag.replace("-", "_") in known:
            return tag.replace("-", "_")
        if alike := next((name for name in known if _written(name) == _written(tag)), None):
            return alike
    return None


@functools.cache
def _written(tag: str) -> tuple[str, str | None]:
    """(language, script), the script being the usual one where none is named."""
    try:
        language, territory, script, *_ = parse_locale(tag.replace("-", "_"))
    except ValueError:
        return tag, None
    usual = get_global("likely_subtags")
    full = usual.get(f"{language}_{territory}") or usual.get(language)
    return language, script or (parse_locale(full)[2] if full else None)


@functools.cache
def languages_in(*folders: str) -> list[str]:
    """English, and what there is a compiled catalogue for."""
    found = (path for folder in folders for path in Path(folder).glob("*/LC_MESSAGES/messages.mo"))
    return [_OURS, *sorted(path.parent.parent.name for path in found)]


@functools.cache
def catalogue_of(language: str, folder: Path | None = None) -> NullTranslations:
    """The texts of a language (`de`, `pt_BR`); English where there is no catalogue of it."""
    name = _name_of(language, folder)
    return ENGLISH if name in {None, _OURS} else Translations.load(folder or catalogues_folder(), [name])


def has_catalogue(language: str) -> bool:
    """Whether texts can be told in this language."""
    return _name_of(language) is not None


def _name_of(language: str, folder: Path | None = None) -> str | None:
    where = folder or catalogues_folder()
    return best_of([language], languages_in(str(where)) if where else [_OURS])


def in_language(text: str, catalogue: NullTranslations) -> str:
    """A phrase with all that is inside of it; words of somebody else as they are."""
    if not is_phrase(text):
        return str(text)
    values = {name: _value(each, catalogue) for name, each in text.values.items()}
    template = _template(text, catalogue)
    return template % values if values else template


def all_in_language(value: Any, catalogue: NullTranslations) -> Any:
    """The same JSON with every phrase in it told."""
    if isinstance(value, str):
        return in_language(value, catalogue)
    if isinstance(value, Mapping):
        return {name: all_in_language(each, catalogue) for name, each in value.items()}
    if isinstance(value, Sequence):
        return [all_in_language(each, catalogue) for each in value]
    return value


def _template(phrase: Phrase, catalogue: NullTranslations) -> str:
    if phrase.plural and phrase.number is not None:
        return str(catalogue.ungettext(phrase.template, phrase.plural, phrase.number))
    return str(catalogue.ugettext(phrase.template))


def _value(value: object, catalogue: NullTranslations) -> object:
    return in_language(value, catalogue) if isinstance(value, str) else value
