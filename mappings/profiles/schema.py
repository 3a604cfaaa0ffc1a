"""The JSON Schema of the language, made of the tables that the reader uses: `python -m mappings.profiles.schema`.

An editor that knows it completes and checks a profile while it is written:

    # yaml-language-server: $schema=https://.../docs/profile.schema.json
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from mappings.profiles.bases import BASES
from mappings.profiles.bounds import MAX_EXPRESSION
from mappings.profiles.canonical import SCOPES
from mappings.profiles.fields import Field, Fields
from mappings.profiles.model import NONE
from mappings.profiles.payloads import ERPS, SHOPS, Payload
from mappings.profiles.rules import RULE_KEYS, VERBS
from mappings.profiles.steps import STEPS, StepKind

JsonSchema = dict[str, Any]

FILE: Final = Path(__file__).parent.parent.parent / "docs" / "profile.schema.json"

_EXPRESSION: Final[JsonSchema] = {"$ref": "#/$defs/expression"}
_SCALAR: Final[JsonSchema] = {"type": ["string", "number", "boolean"]}


def language_schema() -> JsonSchema:
    """The schema."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Crossdock mapping profile",
        "type": "object",
        "required": ["profile", "extends"],
        "additionalProperties": False,
        "properties": {
            "profile": {"type": "string", "pattern": "^[a-z][a-z0-9_-]{0,62}$", "description": "Its name."},
            "extends": {"enum": [*BASES, NONE], "description": "The base mapping that it changes, or none."},
            "description": {"type": "string", "description": "What it is for; for people."},
            "source": _object(
                "From the source's JSON to the canonical order.", {name: _ref(f"source.{name}") for name in SCOPES}
            ),
            "erp": _object("From the canonical order to an ERP's payload.", _systems("erp", ERPS)),
            "shop": _object("From the canonical order to what a shop is told.", _systems("shop", SHOPS)),
        },
        "$defs": {**_common(), **_source_scopes(), **_payload_scopes("erp", ERPS), **_payload_scopes("shop", SHOPS)},
    }


def _object(description: str, properties: Mapping[str, JsonSchema]) -> JsonSchema:
    return {
        "type": ["object", "null"],
        "description": description,
        "additionalProperties": False,
        "properties": dict(properties),
    }


def _ref(name: str) -> JsonSchema:
    return {"$ref": f"#/$defs/{name}"}


def _systems(section: str, systems: Mapping[str, Mapping[str, Payload]]) -> dict[str, JsonSchema]:
    return {
        system: _object("", {name: _ref(f"{section}.{system}.{name}") for name in scopes})
        for system, scopes in systems.items()
    }


def _common() -> dict[str, JsonSchema]:
    return {
        "expression": {
            "type": "string",
            "minLength": 1,
            "maxLength": MAX_EXPRESSION,
            "description": "JMESPath such as source.billing.company, with the functions of docs/profiles.md.",
        },
        **_rule_parts(),
        "step": {"anyOf": [*_bare_steps(), *(_step(kind) for kind in STEPS.values())]},
    }


def _bare_steps() -> list[JsonSchema]:
    names = [kind.name for kind in STEPS.values() if not any(option.required for option in kind.options.values())]
    return [{"enum": names}]


def _step(kind: StepKind) -> JsonSchema:
    options = {
        "type": ["object", "null"],
        "additionalProperties": False,
        "required": [name for name, option in kind.options.items() if option.required],
        "properties": {
            name: {**option.kind.schema, "description": option.meaning} for name, option in kind.options.items()
        },
    }
    given = {"anyOf": [kind.options[kind.bare].kind.schema, options]} if kind.bare else options
    return {
        "type": "object",
        "description": kind.meaning,
        "additionalProperties": False,
        "required": [kind.name],
        "properties": {kind.name: given},
    }


def _source_scopes() -> dict[str, JsonSchema]:
    found: dict[str, JsonSchema] = {}
    for name, kind in SCOPES.items():
        # The order's own lists have scopes; those inside a record are made by `map`.
        mapped = f"map.{name}" if name != "order" and kind.whole.records else ""
        if mapped:
            found[mapped] = _map(kind.whole)
        rules = {"type": "array", "items": _rule(_targets(kind.whole), mapped=mapped)}
        keys: dict[str, JsonSchema] = {"rules": rules}
        if kind.many:
            keys |= {"each": _EXPRESSION, "where": _EXPRESSION}
        elif name != "order":
            keys |= {"from": _EXPRESSION}
        whole = {"type": "object", "additionalProperties": False, "properties": keys}
        found[f"source.{name}"] = rules if name == "order" else {"anyOf": [rules, whole]}
    return found


def _payload_scopes(section: str, systems: Mapping[str, Mapping[str, Payload]]) -> dict[str, JsonSchema]:
    return {
        f"{section}.{system}.{name}": {
            "type": "array",
            "description": payload.meaning,
            "items": _rule(_listed(payload), types=tuple(payload.types)),
        }
        for system, scopes in systems.items()
        for name, payload in scopes.items()
    }


def _listed(payload: Payload) -> JsonSchema:
    only = payload.fields.only
    return {"enum": list(only)} if only is not None else {"type": "string"}


def _targets(fields: Iterable[Field]) -> JsonSchema:
    """The names of fields; under a field of any JSON, every name."""
    names = [field.path for field in fields]
    free = [field.path for field in fields if field.kind == "json"]
    return {"anyOf": [{"enum": names}, *({"type": "string", "pattern": f"^{name}\\."} for name in free)]}


def _rule(to: JsonSchema, *, mapped: str = "", types: tuple[str, ...] = ()) -> JsonSchema:
    """One rule: `to`, one verb, and what may stand beside it. `mapped`: the definition of its records, if any."""
    properties = {name: _ref(f"rule.{name}") for name in (*RULE_KEYS, *VERBS)}
    properties["to"] = to
    del properties["map"], properties["as"]
    if mapped:
        properties["map"] = _ref(mapped)
    if types:
        properties["as"] = {"enum": list(types), "description": RULE_KEYS["as"]}
    verbs = [verb for verb in VERBS if verb in properties]
    return {
        "type": "object",
        "required": ["to"],
        "additionalProperties": False,
        "properties": properties,
        "oneOf": [{"required": [verb]} for verb in verbs],
    }


def _rule_parts() -> dict[str, JsonSchema]:
    """What all rules have alike."""
    parts: dict[str, JsonSchema] = {
        "copy": _EXPRESSION,
        "set": _EXPRESSION,
        "default": _EXPRESSION,
        "constant": _SCALAR,
        "concatenate": {"type": "array", "items": _EXPRESSION, "minItems": 1},
        "drop": {"enum": ["yes", True]},
        "when": _EXPRESSION,
        "then": {"anyOf": [_ref("step"), {"type": "array", "items": _ref("step")}]},
        "with": _SCALAR,
        "note": {"type": "string"},
    }
    meanings = {**VERBS, **RULE_KEYS}
    return {f"rule.{name}": {**part, "description": meanings[name]} for name, part in parts.items()}


def _map(records: Fields) -> JsonSchema:
    """Of whichever list of records it is: an editor offers the fields of all of them."""
    inner = [Fields(schema, refused={}) for schema in records.records.values()]
    names = sorted({field.path for fields in inner for field in fields})
    rule = _rule({"anyOf": [{"enum": names}, {"type": "string", "pattern": "^attributes\\."}]})
    return {
        "type": "object",
        "description": VERBS["map"],
        "required": ["each"],
        "additionalProperties": False,
        "properties": {"each": _EXPRESSION, "where": _EXPRESSION, "rules": {"type": "array", "items": rule}},
    }


def text() -> str:
    """The file."""
    return json.dumps(language_schema(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), "utf-8")
