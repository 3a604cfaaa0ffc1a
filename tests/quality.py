"""Writes docs/console-quality.md from the tables that the tests assert: `python -m tests.quality`."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import yaml

from config.settings import Settings
from sync.desk.accounts import ROLES, covers
from tests.shared import REPOSITORY
from tests.webapp.console.test_accessibility import PAGES, RESULTS, SCHEMES, WIDTHS
from webapp.app import create_app
from webapp.catalogues import catalogues, load
from webapp.console.access import ANYONE

PAGE = REPOSITORY / "docs" / "console-quality.md"
CHECKS = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text())
TABLE = yaml.safe_load((Path(__file__).parent / "webapp" / "console" / "roles.yaml").read_text())
#: Nobody, and everybody.
WHO = ("", *ROLES)

_BEGINNING = """\
<!-- Written by `python -m tests.quality`; change the tables of the tests, not this page. -->

# How good the console is

What is asked of the [console](console.md), and what the tests find. Each table is the one that the tests assert: a cell
that is not so fails them.
"""


def expected(entry, method, who):
    """The status that the table of roles says."""
    role = entry["role"]
    if role == "machine":
        return entry[method]
    if role == ANYONE:
        return entry.get("signed_in", entry[method]) if who else entry[method]
    if not who:
        return entry.get("anonymous", 302 if method == "get" else 401)
    return entry[method] if covers(who, role) else 403


def page() -> str:
    """The page as it should be."""
    return "\n".join([_BEGINNING, *_checks(), *_roles(), *_axe(), *_texts()]) + "\n"


def _table(head, rows) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    yield from (f"| {' | '.join(map(str, row))} |" for row in rows)
    yield ""


def _checks() -> Iterator[str]:
    yield "## Eighteen checks\n"
    rows = (
        (number, check["check"], "<br>".join(f"`{name}`" for name in check["tests"]) or "none", check.get("reason", ""))
        for number, check in enumerate(CHECKS, 1)
    )
    yield from _table(("", "what is asked", "held by", "what they do not hold"), rows)


def _roles() -> Iterator[str]:
    yield "## Who gets what\n"
    yield (
        "Every route in an installation without orders: the status for each role. 403 is a refusal, 401 and 302 ask\n"
        "to sign in, 303 is done and leads on, 404 names what is not there, 422 is a form that lacks something. What\n"
        "tokens of programs may do stands in the [description of the API](api.md).\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        rules = list(create_app(Settings.from_env({"CROSSDOCK_STATE": folder})).url_map.iter_rules())
    paths = {rule.endpoint: re.sub(r"<(?:[a-z]+:)?([a-z_]+)>", r"{\1}", rule.rule) for rule in reversed(rules)}
    rows = (
        (f"{method.upper()} `{paths[endpoint]}`", *(expected(entry, method, who) for who in WHO))
        for endpoint, entry in TABLE.items()
        for method in ("get", "post")
        if method in entry
    )
    yield from _table(("route", *(who or "nobody" for who in WHO)), rows)


def _axe() -> Iterator[str]:
    yield "## WCAG 2.2 AA, by axe\n"
    yield (
        "Violations on each page, in light and dark and at two widths, in pixels; every run of the tests demands\n"
        "that there is none. With `AXE_RESULTS=1` set, `tests/webapp/console/test_accessibility.py` writes down what\n"
        "it has found, and this page shows it; `?` is what was not written down yet.\n"
    )
    found = yaml.safe_load(RESULTS.read_text()) if RESULTS.exists() else {}
    looks = [f"{width} {scheme}" for width in WIDTHS for scheme in SCHEMES]
    yield from _table(
        ("page", *looks), ((name, *(found.get(name, {}).get(look, "?") for look in looks)) for name in PAGES)
    )


def _texts() -> Iterator[str]:
    yield "## Languages\n"
    yield (
        "English is what the code says. A text that bypasses translation fails the crawl in a made-up language; one\n"
        "that a language lacks fails `test_catalogues.py`, which lists it (`make texts`).\n"
    )
    rows = ((f"`{path.parent.parent.name}`", _without(path)) for path in catalogues())
    yield from _table(("language", "untranslated texts"), rows)


def _without(path) -> str:
    found = [str(message.id) for message in load(path) if message.id and not all(message.string)]
    return "<br>".join(found) or "none"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
