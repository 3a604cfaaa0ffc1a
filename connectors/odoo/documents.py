"""Sales as Odoo has them and as we tell them: which are ours, under which key, how far they got, what they come to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final
from urllib.parse import unquote

from connectors.kit.base import DocumentSummary, JsonDict, Rank, TargetDocument
from connectors.odoo.client import OdooClient
from connectors.odoo.masters import Masters
from connectors.odoo.stamps import moment

MODEL: Final = "sale.order"
FIELDS: Final = (
    *("name", "client_order_ref", "origin", "state", "amount_untaxed", "amount_tax", "amount_total", "currency_id"),
    *("partner_id", "date_order", "create_date", "write_date"),
)
RANKS: Final = {
    "cancel": Rank.CANCELLED,
    "draft": Rank.DRAFT,
    "sent": Rank.QUOTED,
    "sale": Rank.CONFIRMED,
    # Before 17, and where a module has brought it back.
    "done": Rank.CONFIRMED,
}


def ours(masters: Masters) -> list[Any]:
    """The part of a domain that takes our company's sales, or our team's."""
    team = masters.team()
    mine = [] if team is None else [["team_id", "=", team]]
    return [["company_id", "=", masters.company()["id"]], *mine]


def keys_of(client: OdooClient, model: str, ids: Sequence[int], module: str) -> dict[int, str]:
    """Id -> our key, of those whose first external id is one of ours."""
    prefix = f"{module}."
    found = client.external_ids(model, ids)
    return {number: unquote(name.removeprefix(prefix)) for number, name in found.items() if name.startswith(prefix)}


def as_document(row: JsonDict, key: str) -> TargetDocument:
    """A sale as one row of `FIELDS` says it."""
    return TargetDocument(
        external_id=str(row["id"]),
        key=key,
        number=row["name"] or "",
        state=row["state"],
        total=amount(row["amount_total"]),
        tax=amount(row["amount_tax"]),
        currency=row["currency_id"][1],
        payload=row,
        rank=RANKS[row["state"]],
        version=row["write_date"] or "",
    )


def amount(value: Any) -> Decimal:
    """An amount without what a float has added to it behind the sixth decimal."""
    read = Decimal(str(value or 0))
    exact = read.quantize(Decimal("0.000001")).normalize()
    return exact if exact.as_tuple().exponent not in range(1, 30) else exact.quantize(Decimal(1))


def as_summary(row: JsonDict, key: str, zone: dt.tzinfo | None) -> DocumentSummary:
    """The same as one line of a list; its day is that of `zone`."""
    placed_at = moment(row["date_order"] or row["create_date"])
    return DocumentSummary(
        external_id=str(row["id"]),
        key=key,
        number=row["name"] or "",
        state=row["state"],
        total=amount(row["amount_total"]),
        currency=row["currency_id"][1],
        placed_at=placed_at,
        placed_on=placed_at.astimezone(zone or dt.UTC).date(),
        version=row["write_date"] or "",
        reference=row["client_order_ref"] or "",
        rank=RANKS[row["state"]],
    )
