"""How many lines of code each connector and mapping has: blanks, comments and docstrings do not count."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from connectors.registry import CONNECTORS
from tests.shared import REPOSITORY

#: Of a system, in this order.
PARTS: Final = ("connector", "mapping", "stand-in")
_NO_CODE: Final = frozenset(
    {
        *(tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT),
        *(tokenize.ENCODING, tokenize.ENDMARKER),
    }
)
#: Connector -> the folders of what stands beside it under another name.
_STAND_INS: Final = {"sandbox_erp": "erp"}


def lines_of_code() -> dict[str, list[int]]:
    """System -> the lines of its `PARTS`; 0 for one that it has not got."""
    return {system: [sum(map(_lines, folder)) for folder in _folders(system)] for system in sorted(CONNECTORS)}


def shared_lines() -> int:
    """What all connectors stand on."""
    return sum(map(_lines, _modules(REPOSITORY / "connectors" / "kit")))


def _folders(system: str) -> Iterator[list[Path]]:
    package = CONNECTORS[system].__module__.split(".")[1]
    yield _modules(REPOSITORY / "connectors" / package)
    yield _modules(REPOSITORY / "mappings" / system)
    yield _modules(REPOSITORY / "connectors" / "sandbox" / _STAND_INS.get(system, system))


def _modules(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


def _lines(module: Path) -> int:
    text = module.read_text("utf-8")
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    code = {line for token in tokens if token.type not in _NO_CODE for line in range(token.start[0], token.end[0] + 1)}
    return len(code - set(_docstrings(text)))


def _docstrings(text: str) -> Iterator[int]:
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        first = next(iter(node.body), None)
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
            yield from range(first.lineno, (first.end_lineno or first.lineno) + 1)
