"""What an Odoo connection's `options` may say, checked once."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any, Final

from connectors.kit.errors import ConnectionBroken
from connectors.kit.options import Options
from connectors.kit.words import say

_MAX_BULK: Final = 50
_MODULE: Final = re.compile(r"[a-z][a-z0-9_]{0,40}")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class OdooOptions:
    """One database, and what of it is ours."""

    database: str = ""
    #: Id or name; empty: the company of the key's user.
    company: str = ""
    #: Id or name of a sales team; empty: every sale of the company is listed.
    team: str = ""
    #: First part of our external ids: `crossdock.web:1001`. Never the name of a module that is installed there.
    module: str = "crossdock"
    #: `json2` from 19 on, `jsonrpc` before; `auto` asks the server.
    protocol: str = "auto"
    #: Orders of one call.
    bulk: int = _MAX_BULK
    #: Documents are made without notes in their log: a fifth less time.
    quiet: bool = False
    #: A confirmation moves the order's date to now; true sets it back to the day on which it was placed.
    keep_order_date: bool = True
    #: How long products, taxes and other master data are believed, in seconds.
    cache_s: float = 600.0
    party_cache_s: float = 60.0


def read_options(given: Mapping[str, Any]) -> OdooOptions:
    """Raises ConnectionBroken naming the option that cannot be used."""
    options = Options("odoo", given, [field.name for field in dataclasses.fields(OdooOptions)])
    module = options.text("module", "crossdock")
    if not _MODULE.fullmatch(module):
        raise ConnectionBroken(
            say("option `module` of odoo must be a word of small letters, digits and _"), code="option"
        )
    return OdooOptions(
        database=options.text("database"),
        company=options.text("company"),
        team=options.text("team"),
        module=module,
        protocol=options.one_of("protocol", ("auto", "json2", "jsonrpc"), "auto"),
        bulk=options.whole("bulk", _MAX_BULK, 1, _MAX_BULK),
        quiet=options.flag("quiet", default=False),
        keep_order_date=options.flag("keep_order_date", default=True),
        cache_s=options.seconds("cache_s", 600.0),
        party_cache_s=options.seconds("party_cache_s", 60.0),
    )
