"""Which faults are shown by which tests: `python -m tests.faults` writes docs/reliability.md.

The faults stand in faults.yaml, the tests name them with the mark `fault("A1")`. Marks are read from the sources: to
collect seven thousand tests for a page would take as long as to run half of them.
"""

from __future__ import annotations

import ast
import dataclasses
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, Final

import yaml

from tests.shared import REPOSITORY

TABLE: Final = REPOSITORY / "tests" / "faults.yaml"
PAGE: Final = REPOSITORY / "docs" / "reliability.md"

#: How a test names its faults; one that is shipped knows no marks of ours.
_MARKS: Final = {"pytest.mark.fault", "shows"}

HEAD: Final = """\
<!-- made by `python -m tests.faults` from tests/faults.yaml and the tests' marks -->

# Faults

What can go wrong between a shop and an ERP, what Crossdock does then, and the tests that show it. *Open* is not shown
yet; the reason stands beside it. The number behind a fault is its priority: 1 before anything else.
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Fault:
    """One row."""

    number: str
    text: str
    then: str
    priority: int
    #: Why no test shows it yet, or "".
    open: str
    #: Why it does not apply, or "".
    none: str

    @property
    def reason(self) -> str:
        """What stands in the place of tests."""
        return f"*open*: {self.open}" if self.open else f"does not apply: {self.none}" if self.none else ""


def groups() -> Iterator[tuple[str, list[Fault]]]:
    """(title, its faults)."""
    table: Mapping[str, Any] = yaml.safe_load(TABLE.read_text("utf-8"))
    for group in table.values():
        yield (
            group["title"],
            [
                Fault(number, row["fault"], row["then"], row["p"], row.get("open", ""), row.get("none", ""))
                for number, row in group["rows"].items()
            ],
        )


def shown_by() -> dict[str, list[tuple[str, str]]]:
    """Number of a fault -> (file, test) of those that show it, in the order of the files."""
    found = defaultdict(list)
    # What holds for each connector is shipped with the product.
    suites = (REPOSITORY / "sync" / "contract").glob("*.py")
    for path in sorted([*suites, *(REPOSITORY / "tests").rglob("test_*.py")]):
        source = path.read_text("utf-8")
        if "mark.fault(" not in source and "@shows(" not in source:
            continue
        for node in _functions(ast.parse(source)):
            for number in _numbers(node):
                found[number].append((path.relative_to(REPOSITORY).as_posix(), node.name))
    return found


def _functions(module: ast.Module) -> Iterator[ast.FunctionDef]:
    """Tests of a module, and of its classes."""
    for node in module.body:
        inner = node.body if isinstance(node, ast.ClassDef) else [node]
        yield from (each for each in inner if isinstance(each, ast.FunctionDef))


def _numbers(function: ast.FunctionDef) -> Iterator[str]:
    for decorator in function.decorator_list:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) in _MARKS:
            yield from (ast.literal_eval(argument) for argument in decorator.args)


def page() -> str:
    """The text of docs/reliability.md."""
    tests = shown_by()
    parts = [HEAD]
    for title, faults in groups():
        parts.append(f"\n## {title}\n\n| | what happens | what Crossdock does | shown by |\n|---|---|---|---|\n")
        parts.extend(_row(fault, tests.get(fault.number, [])) for fault in faults)
    return "".join(parts)


def _row(fault: Fault, tests: list[tuple[str, str]]) -> str:
    links = [f"[{name.removeprefix('test_').replace('_', ' ')}](../{file})" for file, name in tests]
    shown = "; ".join(filter(None, [*links, fault.reason]))
    return f"| {fault.number} | {fault.text} ({fault.priority}) | {fault.then} | {shown} |\n"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
