"""`${env:NAME}` and `${file:PATH}` in configuration texts; `$${` stands for a plain `${`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from config.problems import visible
from config.yamlfile import Document, Steps, Tree

_MAX_BYTES: Final = 64 * 1024
_REFERENCE = re.compile(r"\$(?P<escaped>\$)\{|\$\{(?:(?P<kind>env|file):(?P<name>[^{}]+)\}|)")
_EXPECTED: Final = "${env:NAME} or ${file:PATH}"


class Resolved(str):
    """A text that came from outside the file. `written` is what the file says; only that may be shown."""

    __slots__ = ("whole", "written")
    written: str
    #: The file's text is one reference and nothing else: the way in which a secret may be given.
    whole: bool


class _Unresolved(Exception):
    def __init__(self, found: str, expected: str, next_step: str) -> None:
        super().__init__(found)
        self.problem = (found, expected, next_step)


def resolve(document: Document, folder: Path, environ: Mapping[str, str]) -> None:
    """Replace every reference of the document's tree; what cannot be resolved becomes a problem of the document."""

    def walk(tree: Tree, steps: Steps) -> Tree:
        if isinstance(tree, dict):
            return {key: walk(value, (*steps, key)) for key, value in tree.items()}
        if isinstance(tree, list):
            return [walk(value, (*steps, index)) for index, value in enumerate(tree)]
        if tree is None or "${" not in tree:
            return tree
        try:
            return _resolved(tree, folder, environ)
        except _Unresolved as error:
            document.refuse(document.values[steps], steps, *error.problem)
            return _as_resolved("", tree, whole=False)

    document.tree = walk(document.tree, ())


def _resolved(text: str, folder: Path, environ: Mapping[str, str]) -> str:
    def replace(match: re.Match[str]) -> str:
        if match["escaped"]:
            return "${"
        if match["kind"] == "env":
            return _variable(match["name"].strip(), environ)
        if match["kind"] == "file":
            return _file(match["name"].strip(), folder)
        # The text is not shown: it may be a secret that happens to hold these two characters.
        raise _Unresolved("a ${ that begins no reference", _EXPECTED, "write $${ for the characters themselves")

    value = _REFERENCE.sub(replace, text)
    matches = list(_REFERENCE.finditer(text))
    if all(match["escaped"] for match in matches):
        return value
    return _as_resolved(value, text, whole=len(matches) == 1 and matches[0].span() == (0, len(text)))


def _as_resolved(value: str, written: str, *, whole: bool) -> Resolved:
    resolved = Resolved(value)
    resolved.written, resolved.whole = written, whole
    return resolved


def _variable(name: str, environ: Mapping[str, str]) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise _Unresolved(f"${{env:{visible(name)}}}", "${env:NAME} with a name of letters, digits and _", "")
    if name not in environ:
        step = f"set {name} in the environment of every Crossdock process, or keep the value in a file: ${{file:PATH}}"
        raise _Unresolved(f"${{env:{name}}}, which is not set", "a variable of the environment", step)
    return environ[name]


def _file(name: str, folder: Path) -> str:
    """The file's text without the line ends after it; a relative path starts at the configuration folder."""
    path = folder / name
    found, expected = f"${{file:{visible(name)}}}", f"a readable text file at {visible(str(path))}"
    try:
        if not path.is_file():
            raise _Unresolved(f"{found}, which is no file", expected, "make it, or mount it there")
        with path.open("rb") as file:
            body = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise _Unresolved(f"{found}, which cannot be read ({error.strerror})", expected, "") from None
    except ValueError:
        raise _Unresolved(found, "a path without NUL", "") from None
    if len(body) > _MAX_BYTES:
        raise _Unresolved(f"{found}, which is larger than {_MAX_BYTES // 1024} KiB", expected, "")
    try:
        return body.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError:
        raise _Unresolved(f"{found}, which is not UTF-8", expected, "") from None
