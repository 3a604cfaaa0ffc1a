"""What a Tryton connection's `options` may say, checked once."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Final

from connectors.kit.errors import ConnectionBroken
from connectors.kit.options import Options
from connectors.kit.words import say

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
    #: Where people open the web client; empty where it is the connection's own address.
    admin_url: str = ""
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
    options = Options("tryton", given, [field.name for field in dataclasses.fields(TrytonOptions)])
    database = options.text("database")
    if not database or "/" in database:
        raise ConnectionBroken(say("option `database` of tryton must be the name of the database"))
    return TrytonOptions(
        database=database,
        company=options.text("company"),
        web_shop=options.text("web_shop"),
        admin_url=options.address("admin_url", ""),
        backend=options.one_of("backend", _CONCURRENCY, "sqlite"),
        bulk=options.whole("bulk", _MAX_BULK, 1, 2 * _MAX_BULK),
        cache_s=options.seconds("cache_s", 600.0),
        party_cache_s=options.seconds("party_cache_s", 60.0),
    )
