"""How payloads are kept: canonical JSON, compressed, with a digest that tells equal from changed."""

from __future__ import annotations

import hashlib
import json
import zlib
from decimal import Decimal
from typing import Any

import orjson

#: Level 1: bodies are compressed on the receiving path, before the transaction begins.
_LEVEL = 1
_DUMP = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_SUBCLASS | orjson.OPT_NON_STR_KEYS


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        # Digit for digit as the source wrote it; a float would change it.
        return orjson.Fragment(str(value))
    msg = f"{type(value).__name__} is not JSON"
    raise TypeError(msg)


def dump_json(value: Any) -> bytes:
    """Canonical JSON: sorted keys, no spaces, numbers digit for digit."""
    try:
        return orjson.dumps(value, _plain, _DUMP)
    except TypeError:
        # Integers over 64 bit: orjson refuses them, the standard library does not.
        return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str).encode()


def pretty_json(value: Any) -> str:
    """The same value for people: a field a line, in its own order, numbers digit for digit."""
    return orjson.dumps(value, _plain, orjson.OPT_INDENT_2 | orjson.OPT_PASSTHROUGH_SUBCLASS).decode()


def load_json(data: bytes) -> Any:
    """The value of `dump_json`; fractions are Decimal."""
    return json.loads(data, parse_float=Decimal)


def digest(data: bytes) -> str:
    """Hex of blake2b-16: equal digests mean equal content."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def pack(data: bytes) -> bytes:
    """Compressed for a LargeBinary column."""
    return zlib.compress(data, _LEVEL)


def unpack(data: bytes) -> bytes:
    """What `pack` was given."""
    return zlib.decompress(data)
