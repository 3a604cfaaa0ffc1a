"""From marshmallow's tree of errors to our problems: each with its JSON path, all of them at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from marshmallow import Schema, ValidationError

from mappings.canonical.errors import Problem

#: Where marshmallow files what is wrong with an object as a whole.
_WHOLE = "_schema"


def load_strictly(schema: Schema, payload: object) -> tuple[dict[str, Any], list[Problem]]:
    """What the schema could read of `payload`, and everything that is wrong with it, in the payload's own paths."""
    try:
        return schema.load(payload), []  # type: ignore[arg-type] # the schema itself refuses what is not an object
    except ValidationError as exc:
        valid = exc.valid_data if isinstance(exc.valid_data, dict) else {}
        return valid, [
            Problem(cause="mapping", path=path, reason=reason) for path, reason in _flat("", exc.messages_dict)
        ]


def _flat(path: str, errors: object) -> Iterator[tuple[str, str]]:
    if isinstance(errors, dict):
        for key, below in errors.items():
            yield from _flat(_step(path, key), below)
    elif isinstance(errors, list):
        for reason in errors:
            yield from _flat(path, reason)
    else:
        yield path, str(errors)


def _step(path: str, key: object) -> str:
    if key == _WHOLE:
        return path
    if isinstance(key, int):
        return f"{path}[{key}]"
    return f"{path}.{key}" if path else str(key)
