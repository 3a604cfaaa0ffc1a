"""Writes docs/profiles-reference.md from the tables of the reader itself: `python -m mappings.profiles.reference`.

A test compares the page with `page()`, so it cannot fall behind the language.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from mappings.profiles.bounds import (
    MAX_DEPTH,
    MAX_EXPRESSION,
    MAX_NESTING,
    MAX_RULES,
    MAX_STEPS,
    MAX_TEXT,
)
from mappings.profiles.canonical import SCOPES
from mappings.profiles.fields import KINDS, Field
from mappings.profiles.functions import FUNCTIONS
from mappings.profiles.payloads import ERPS, SHOPS, Payload
from mappings.profiles.required import MADE, needed
from mappings.profiles.rules import RULE_KEYS, VERBS
from mappings.profiles.steps import STEPS

PAGE: Final = Path(__file__).parent.parent.parent / "docs" / "profiles-reference.md"

_TOP: Final = """\
<!-- Written by `python -m mappings.profiles.reference`; change the tables, not this page. -->

# Mapping profiles: reference

All words of the language. [Mapping profiles](profiles.md) says what it is for, with examples; editors complete and
check it with [its JSON Schema](profile.schema.json).
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """One word of the language, for somebody who is writing a profile."""

    word: str
    meaning: str
    example: str = ""


def sections() -> Iterator[tuple[str, list[Entry]]]:
    """(heading, words) of what a rule may say and which fields of an order there are; those marked * are needed."""
    yield "rules", [Entry(word, meaning) for word, meaning in {**VERBS, **RULE_KEYS}.items()]
    yield "steps", [Entry(kind.name, kind.meaning, kind.example) for kind in STEPS.values()]
    yield "functions", [Entry(each.signature, each.meaning, each.example) for each in FUNCTIONS.values()]
    for name, kind in SCOPES.items():
        must, made = set(needed(name)), MADE.get(name, {})
        yield (
            f"source.{name}",
            [
                Entry(f"{field.path}{' *' if field.path in must else ''}", KINDS[field.kind], made.get(field.path, ""))
                for field in kind.whole
            ],
        )


def page() -> str:
    """The page."""
    return "\n".join([_TOP, *_rules(), *_steps(), *_functions(), *_fields(), *_payloads(), *_bounds()]) + "\n"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'|'.join('---' for _ in head)}|"
    for row in rows:
        yield f"| {' | '.join(_cell(cell) for cell in row)} |"
    yield ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ") or " "


def _code(text: str) -> str:
    """As code, also where it has code's own marks in it."""
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def _rules() -> Iterator[str]:
    yield "## Rules\n"
    yield "One rule is one mapping with `to` and exactly one of these verbs:\n"
    yield from _table(("verb", "what it does"), ((f"`{verb}`", meaning) for verb, meaning in VERBS.items()))
    yield "Beside the verb:\n"
    yield from _table(("key", "what it says"), ((f"`{key}`", meaning) for key, meaning in RULE_KEYS.items()))


def _steps() -> Iterator[str]:
    yield "## Steps\n"
    yield "`then:` is one step or a list of them. Those marked * may change how an amount is written.\n"
    for kind in STEPS.values():
        yield f"### {kind.name}{' *' if kind.carries else ''}\n"
        yield f"{kind.meaning} {_code(kind.example)}\n"
        if kind.options:
            rows = (
                (f"`{name}`", option.meaning, str(option.kind.expected), "needed" if option.required else "")
                for name, option in kind.options.items()
            )
            yield from _table(("option", "what", "value", ""), rows)


def _functions() -> Iterator[str]:
    yield "## Functions\n"
    yield "These and no others. Null as an argument gives null.\n"
    rows = ((_code(each.signature), each.meaning, _code(each.example)) for each in FUNCTIONS.values())
    yield from _table(("function", "what it gives", "example"), rows)


def _fields() -> Iterator[str]:
    yield "## Canonical fields\n"
    yield "What rules under `source:` write. A profile with `extends: none` must write those marked *.\n"
    for name, kind in SCOPES.items():
        yield f"### {name}\n"
        must, made = set(needed(name)), MADE.get(name, {})
        rows = ((_field(field, must), KINDS[field.kind], _left_out(field, made)) for field in kind.whole)
        yield from _table(("field", "kind", "with `extends: none`, if no rule writes it"), rows)


def _field(field: Field, must: set[str]) -> str:
    return f"`{field.path}`{' *' if field.path in must else ''}"


def _left_out(field: Field, made: Mapping[str, str]) -> str:
    return made.get(field.path, "")


def _payloads() -> Iterator[str]:
    yield "## Payloads\n"
    for section, systems in (("erp", ERPS), ("shop", SHOPS)):
        for system, scopes in systems.items():
            yield f"### {section}.{system}\n"
            rows = ((f"`{name}`", *_payload(payload)) for name, payload in scopes.items())
            yield from _table(("scope", "what", "expressions begin with", "`as`"), rows)


def _payload(payload: Payload) -> tuple[str, str, str]:
    only = f" One of {', '.join(payload.fields.only)}." if payload.fields.only else ""
    return payload.meaning + only, ", ".join(payload.roots), ", ".join(payload.types)


def _bounds() -> Iterator[str]:
    yield "## Bounds\n"
    rows = (
        ("rules of a profile", MAX_RULES),
        ("characters of an expression", MAX_EXPRESSION),
        ("levels of an expression", MAX_NESTING),
        ("levels of what an expression makes", MAX_DEPTH),
        ("characters of a text that is made", MAX_TEXT),
        ("steps for one document (elements gone through, each with what is done to it)", MAX_STEPS),
    )
    yield from _table(("what", "at most"), ((name, f"{most:,}") for name, most in rows))


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
