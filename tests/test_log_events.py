"""Log events have constant names: what happened is searched for by its name, and data never gets into it.

An order's own words in the name would make each line another event, and would bypass what takes secrets out of fields.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.test_project import REPOSITORY, tracked

#: The sandboxes are no part of the product's processes; they speak plain `logging` to whoever tries them out.
FOLDERS = ("config/*.py", "connectors/*.py", "mappings/*.py", "sync/*.py", "webapp/*.py")
LEVELS = {"debug", "info", "warning", "warn", "error", "exception", "critical", "fatal", "log", "msg"}
NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


def loggers(tree: ast.AST) -> set[str]:
    """What a module calls its loggers: names and attributes that are given one."""
    found = {"log", "_log", "logger", "_logger"}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Assign | ast.AnnAssign) or not isinstance(node.value, ast.Call):
            continue
        if ast.unparse(node.value.func).rpartition(".")[2] in {"get_logger", "getLogger", "bind"}:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {ast.unparse(target).rpartition(".")[2] for target in targets}
    return found


def speaks(call: ast.Call, names: set[str]) -> bool:
    """Whether a call writes a line: `log.info(...)`, `self._log.bind(...).info(...)`, `get_logger().info(...)`."""
    function = call.func
    if not isinstance(function, ast.Attribute) or function.attr not in LEVELS:
        return False
    spoken = ast.unparse(function.value)
    return (
        spoken.rpartition(".")[2] in names
        or re.search(r"get_?[lL]ogger\(|\b_?log(ger)?\.(new|bind)\(", spoken) is not None
    )


def complaints(source: str) -> Iterator[tuple[int, str]]:
    """(line, what is wrong) of every event without a constant name."""
    tree = ast.parse(source)
    names = loggers(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and speaks(node, names):
            given = node.args[1:] if node.func.attr == "log" else node.args
            if len(given) != 1:
                yield node.lineno, "one event name, and everything else by keyword"
            elif not isinstance(given[0], ast.Constant) or not isinstance(given[0].value, str):
                yield node.lineno, f"the event is no constant: {ast.unparse(given[0])}"
            elif not NAME.fullmatch(given[0].value):
                yield node.lineno, f"no event name: {given[0].value!r}"
            if any(keyword.arg == "event" for keyword in node.keywords):
                yield node.lineno, "the event's name is overwritten"


def test_every_event_has_a_constant_name():
    found, seen = [], 0
    for path in tracked(*FOLDERS):
        name = str(path.relative_to(REPOSITORY))
        if name.startswith("connectors/sandbox/"):
            continue
        source = path.read_text()
        seen += source.count("structlog")
        found += [f"{name}:{line}: {said}" for line, said in complaints(source)]
    assert seen > 20, "the sources were not found"
    assert found == []


@pytest.mark.parametrize(
    "line",
    [
        'log.info(f"order {number} failed")',
        'log.info("order " + number)',
        'log.info("order_failed", number)',
        'log.info("order %s", number)',
        "log.warning(text)",
        'log.error("Order failed!")',
        "log.info()",
        'log.info("order_failed", event=number)',
        'log.log(level, f"{number}")',
        'log.bind(order=1).info("Order " + number)',
        'self._log.info(f"{number}")',
        'structlog.get_logger().info(f"{number}")',
        'chatter = structlog.get_logger()\nchatter.info(f"{number}")',
        'self.voice = structlog.get_logger()\nself.voice.info(f"{number}")',
    ],
)
def test_the_rule_sees_a_name_that_is_made_from_data(line):
    assert list(complaints(line))


@pytest.mark.parametrize(
    "line",
    [
        'log.info("order_failed", number=number)',
        'log.log(level, "order_failed", number=number)',
        'log.exception("order_failed")',
        "math.log(number)",
        'flash.info(f"{number}")',
    ],
)
def test_the_rule_lets_pass_what_is_none(line):
    assert not list(complaints(line))
