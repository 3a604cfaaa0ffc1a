"""Texts in the language of the installation: for what is sent to people, where no browser says which one they read.

English is what the code says. Another language is a compiled catalogue, the same that the console uses.
"""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from babel.support import NullTranslations, Translations

from mappings.canonical.words import Phrase
from sync.store.said import is_phrase

ENGLISH = NullTranslations()


def catalogues_folder() -> Path | None:
    """Where the catalogues are; None where the pages are not installed.

    They stand beside the pages. They are data of the installation: nothing of the pages' code is used for them.
    """
    found = importlib.util.find_spec("webapp")
    places = found.submodule_search_locations if found is not None else None
    return Path(next(iter(places))) / "translations" if places else None


@functools.cache
def catalogue_of(language: str, folder: Path | None = None) -> NullTranslations:
    """The texts of a language (`de`, `pt_BR`); English where there is no catalogue of it."""
    where = folder or catalogues_folder()
    return ENGLISH if where is None else Translations.load(where, [language])


def has_catalogue(language: str) -> bool:
    """Whether texts can be told in this language."""
    return language.partition("_")[0] == "en" or isinstance(catalogue_of(language), Translations)


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
