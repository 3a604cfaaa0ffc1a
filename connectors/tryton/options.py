"""What a Tryton connection's `options` may say, checked once."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Final

from connectors.kit.errors import ConnectionBroken

#: Calls in flight at once that each database takes: SQLite has one writer, and every confirm writes much.
_CONCURRENCY: Final = {"sqlite": 1, "postgresql": 4}
_MAX_BULK: Final = 25


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TrytonOptions:
    """One Tryton database, and the company and web shop in it that are ours."""

    database: str
    #: Id or name; empty when the user sees only one.
    company: str = ""
    #: Id or name; empty when the user sees only one. All keys (`web_id`) are unique within it.
    web_shop: str = ""
    #: What the server stores in: `sqlite` or `postgresql`.
    backend: str = "sqlite"
    #: Sales per bulk call; 10 to 25 is as cheap per sale as more, and keeps locks and time-outs short.
    bulk: int = _MAX_BULK
    #: How long products, taxes and other master data are believed, in seconds.
    cache_s: float = 600.0
    #: How long a found party is believed; its addresses are edited more often than master data.
    party_cache_s: float = 60.0

    @property
    def concurrency(self) -> int:
        """Calls in flight at once."""
        return _CONCURRENCY[self.backend]


def read_options(given: Mapping[str, Any]) -> TrytonOptions:
    """Raises ConnectionBroken naming the option that cannot be used."""
    known = {field.name for field in dataclasses.fields(TrytonOptions)}
    if unknown := sorted(set(given) - known):
        raise ConnectionBroken(f"Tryton has no option {unknown[0]!r}; it has {', '.join(sorted(known))}")
    database = str(given.get("database", ""))
    if not database or "/" in database:
        raise ConnectionBroken("option `database` must be the name of the Tryton database")
    backend = given.get("backend", "sqlite")
    if backend not in _CONCURRENCY:
        raise ConnectionBroken(f"option `backend` must be sqlite or postgresql, not {backend!r}")
    bulk = given.get("bulk", _MAX_BULK)
    if type(bulk) is not int or not 1 <= bulk <= 2 * _MAX_BULK:
        raise ConnectionBroken(f"option `bulk` must be a number from 1 to {2 * _MAX_BULK}, not {bulk!r}")
    return TrytonOptions(
        database=database,
        company=str(given.get("company", "")),
        web_shop=str(given.get("web_shop", "")),
        backend=backend,
        bulk=bulk,
        cache_s=_duration(given, "cache_s", 600.0),
        party_cache_s=_duration(given, "party_cache_s", 60.0),
    )


def _duration(given: Mapping[str, Any], name: str, default: float) -> float:
    value = given.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise ConnectionBroken(f"option `{name}` must be a number of seconds, not {value!r}")
    return float(value)
