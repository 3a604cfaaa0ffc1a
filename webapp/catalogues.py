"""The catalogues of translators, from what the code says: `make texts` renews and compiles each.

A language is `webapp/translations/<code>/LC_MESSAGES/messages.po`, with the code as Babel writes it (`zh_Hans_CN`).
What is no longer said goes, what is new comes in empty, and nothing is guessed.
"""

from __future__ import annotations

import argparse
import functools
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from babel.messages import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

FOLDER: Final = Path(__file__).parent / "translations"
_ROOT: Final = FOLDER.parent.parent
#: Where texts for people are; with `babel.cfg`, which says how each kind of file is read.
_PACKAGES: Final = ("webapp", "sync", "mappings", "connectors")
#: What marks a text -> which of its arguments are the text.
_KEYWORDS: Final = {
    **dict.fromkeys(("lazy_gettext", "_", "gettext", "N_", "say")),
    **dict.fromkeys(("ngettext", "say_many"), (1, 2)),
}
_WIDTH: Final = 120


def catalogues(folder: Path = FOLDER) -> list[Path]:
    """The file of each language."""
    return sorted(folder.glob("*/LC_MESSAGES/messages.po"))


@functools.cache
def said() -> Catalog:
    """Every text that is marked, as translators get it, with where each stands."""
    template = Catalog()
    for package in _PACKAGES:
        for file, line, message, _comments, context in _extracted(package):
            template.add(message, locations=[(f"{package}/{file}", line)], context=context)
    return template


def _extracted(package: str) -> Iterator[tuple[str, int, str | tuple[str, ...], list[str], str | None]]:
    with (FOLDER / "babel.cfg").open() as file:
        methods, options = parse_mapping_cfg(file)  # type: ignore[no-untyped-call]  # of Babel, which types the rest
    # The patterns are relative to the repository's folder; what holds nothing of ours there is left out.
    inside = f"{package}/"
    patterns = [(pattern.removeprefix(inside), method) for pattern, method in methods if pattern.startswith(inside)]
    inner = {pattern.removeprefix(inside): values for pattern, values in options.items()}
    return extract_from_dir(_ROOT / package, method_map=patterns, options_map=inner, keywords=_KEYWORDS)


def load(path: Path) -> Catalog:
    """What a language says. Raises babel.messages.pofile.PoFileError for what is no catalogue."""
    with path.open("rb") as file:
        return read_po(file, locale=path.parent.parent.name, charset="utf-8", abort_invalid=True)


def renew(path: Path) -> list[Message]:
    """Bring a language's file up to what the code says; answers what it does not say yet."""
    old = load(path)
    new = Catalog(
        locale=old.locale,
        header_comment=old.header_comment,
        project=old.project,
        version=old.version,
        copyright_holder=old.copyright_holder,
        language_team=old.language_team,
        last_translator=old.last_translator,
        # Kept: a date that changes with every text would set any two changes against each other.
        creation_date=old.creation_date,
        revision_date=old.revision_date,
        fuzzy=False,
    )
    for message in said():
        if message.id:
            known = old.get(message.id, message.context)
            new.add(message.id, known.string if known else "", context=message.context)
    with path.open("wb") as file:
        write_po(file, new, width=_WIDTH, sort_output=True, ignore_obsolete=True)
    return lacking(new)


def lacking(language: Catalog) -> list[Message]:
    """The texts that the code says and the language does not, or not for sure."""
    return [message for message in said() if message.id and not _translated(language, message)]


def _translated(language: Catalog, message: Message) -> bool:
    known = language.get(message.id, message.context)
    if known is None or known.fuzzy or known.pluralizable != message.pluralizable:
        return False
    return all(known.string) if isinstance(known.string, tuple) else bool(known.string)


def compile_all(folder: Path = FOLDER) -> None:
    """What programs read, beside what translators write."""
    for path in catalogues(folder):
        with path.with_suffix(".mo").open("wb") as file:
            write_mo(file, load(path))


def told(message: Message) -> str:
    """A text and where it stands, in one line: for lists of what is missing."""
    text = message.id if isinstance(message.id, str) else " | ".join(message.id)
    return f"{next((f'{file}:{line}: ' for file, line in message.locations), '')}{text!r}"


def main(arguments: list[str] | None = None) -> None:
    """Renew and compile, or with `--compile` only that."""
    parser = argparse.ArgumentParser(prog="python -m webapp.catalogues", description="Renew and compile catalogues.")
    parser.add_argument("--compile", action="store_true", help="compile them as they are")
    if not parser.parse_args(arguments).compile:
        for path in catalogues():
            missing = renew(path)
            sys.stdout.write(f"{path.relative_to(_ROOT)}: {len(missing)} texts to translate\n")
            sys.stdout.writelines(f"  {told(message)}\n" for message in missing)
    compile_all()


if __name__ == "__main__":
    main()
