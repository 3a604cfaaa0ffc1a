"""The skeleton of a connector: a package of its own, which works against an invented API and says what is to do.

Its files are templates: `mysystem`, `MySystem` and `my-system` become the name, `%%NAME%%` what depends on the kind.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from connectors.registry import CONNECTORS, known_systems

#: Kind -> where its files lie; what comes later takes the place of what comes before.
KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "shop": ("common", "source", "shop"),
    "crm": ("common", "source", "crm"),
    "erp": ("common", "erp"),
}
_SUFFIX: Final = ".tmpl"
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{1,23}")
_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "source": {
        "MAIN": "orders",
        "CREDENTIAL": "secret",
        "READABLE": "api/orders",
        "THINGS": "orders",
        "DONE": "- Done: orders are pulled from a checkpoint, fetched, listed for the proof; the doctor.",
    },
    "erp": {
        "MAIN": "sales",
        "CREDENTIAL": "key",
        "READABLE": "api/products",
        "THINGS": "products",
        "DONE": "- Done: customers and sales under a key of ours, found, confirmed, listed for the proof; the doctor.",
    },
}


class NameUnusable(ValueError):
    """A connector cannot be called so, or cannot be written there; the message says why and what would be right."""


def write(name: str, kind: str, into: Path) -> tuple[Path, list[str]]:
    """Write the package of a connector `name` of this kind below `into`; its folder, and the files in it.

    Raises NameUnusable, and OSError where the folder cannot be written.
    """
    _check(name)
    folder = into / f"crossdock-{_dashed(name)}"
    if folder.exists():
        raise NameUnusable(f"{folder} is there already; name another folder with --into, or remove it")
    words = _words(name, kind)
    texts = {_filled(path, words): _filled(text, words) for path, text in _templates(kind)}
    for path, text in sorted(texts.items()):
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    return folder, sorted(texts)


def _check(name: str) -> None:
    if not _NAME.fullmatch(name) or name.endswith("_") or "__" in name or keyword.iskeyword(name):
        raise NameUnusable(
            f"{name!r} is no name for a connector: it takes 2 to 24 small letters, digits and single underscores, "
            "beginning with a letter, as in my_shop"
        )
    if name in known_systems():
        whose = "Crossdock's own" if name in CONNECTORS else "one that is installed here"
        raise NameUnusable(f"there is a connector {name!r} already, {whose}; choose another name")


def _templates(kind: str) -> Iterator[tuple[str, str]]:
    """Path in the package -> text, of every folder of this kind in turn."""
    for part in KINDS[kind]:
        yield from _below(files(__name__) / "files" / part, "")


def _below(folder: Traversable, path: str) -> Iterator[tuple[str, str]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _below(entry, f"{path}{entry.name}/")
        elif entry.name.endswith(_SUFFIX):
            yield path + entry.name.removesuffix(_SUFFIX), entry.read_text("utf-8")


def _words(name: str, kind: str) -> dict[str, str]:
    """What stands in a template -> what takes its place."""
    words = {f"%%{word}%%": text for word, text in _WORDS["erp" if kind == "erp" else "source"].items()}
    camel = "".join(part.capitalize() for part in name.split("_"))
    return {**words, "my-system": _dashed(name), "MySystem": camel, "MYSYSTEM": name.upper(), "mysystem": name}


def _dashed(name: str) -> str:
    return name.replace("_", "-")


def _filled(text: str, words: Mapping[str, str]) -> str:
    for word, instead in words.items():
        text = text.replace(word, instead)
    return text
