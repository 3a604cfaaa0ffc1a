"""`stock` of a channel."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, validates_schema

from config import kinds
from config.fields import Complaint, ListOf, MapOf, Scalar
from config.model import Backorders, HeldOrders, MissingArticles
from config.schemas.section import Section


class StockSection(Section):
    """What a channel's shop shows of the ERP's stock."""

    push = Scalar(
        kinds.SWITCH,
        "Whether Crossdock sets the shop's stock; the ERP must tell its stock and the shop take it.",
        example="on",
        default="`off`",
    )
    held_orders = Scalar(
        kinds.member(HeldOrders),
        "Whether orders that wait for a person take their goods out of what is shown.",
        example="ignore",
    )
    safety = Scalar(kinds.decimal(0, 10**9), "Units of each article that are never shown.", example="2")
    safety_percent = Scalar(
        kinds.decimal(0, 100), "The same in percent of what the ERP has; both are taken off.", example="5"
    )
    share = Scalar(kinds.decimal(0, 100), "Percent of what is available that this channel shows.", example="50")
    cap = Scalar(kinds.decimal(0, 10**9), "The most that is shown of an article.", example="99", default="all")
    decimals = Scalar(kinds.whole(0, 6), "Decimals of a shown quantity; what is beyond them is cut off.", example="2")
    backorders = Scalar(
        kinds.member(Backorders),
        "Whether the shop may sell what is not there; `leave` does not touch it.",
        example="no",
    )
    warehouses = ListOf(
        Scalar(kinds.text(128), "The ERP's code of a warehouse."),
        "ERP warehouses whose stock is shown, by their codes in the ERP; all of them where this is left out.",
        example="[WH1, WH2]",
    )
    locations = MapOf(
        kinds.text(128),
        ListOf(Scalar(kinds.text(128), "The ERP's code of a warehouse."), "Warehouses."),
        "For a shop with places of its own, instead of `warehouses`: the shop's place -> the ERP warehouses whose "
        "stock it shows. A warehouse may stand under several places.",
        example="{online: [WH1, WH2], berlin: [WH2]}",
    )
    freeze = ListOf(
        Scalar(kinds.text(255), "A SKU of the shop."),
        "Articles of which the shop keeps what it shows, by the shop's SKUs; `*` for all.",
        example='["*"]',
    )
    missing = Scalar(
        kinds.member(MissingArticles),
        "Whether an article of the ERP that the shop never had is said to a person (`hold`) or not (`ignore`); one "
        "that it had before, or that somebody asked for, always is.",
        example="hold",
    )

    @validates_schema
    def _one_of_both(self, data: dict[str, Any], **_: object) -> None:
        if data.get("warehouses") and data.get("locations"):
            step = "name the warehouses of a shop without places, or the places of one that has them"
            raise ValidationError([Complaint("both `warehouses` and `locations`", "one of them", step)], "locations")
