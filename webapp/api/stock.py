"""Stock: what each shop shows of what the ERP has, and how each figure came about."""

from __future__ import annotations

from typing import Any, Final

from marshmallow import Schema, fields, validate

from sync.desk.stock import ArticleView, Ledger, PlaceView, explain, ledger_page
from webapp.api.access import demand_channel
from webapp.api.problems import missing
from webapp.api.refusals import refusing
from webapp.api.routes import ApiBlueprint, endpoint
from webapp.api.shapes import MAX_PAGE, MAX_VALUE, Amount, Moment, Text
from webapp.parts import parts

blueprint = ApiBlueprint("api-stock", __name__, description="What the shops show of the ERP's stock.")

_CHANNEL: Final = "/stock/<channel>"


class StockQuery(Schema):
    """Which articles."""

    q = Text(most=MAX_VALUE, load_default="", metadata={"description": "A part of the SKU."})
    stopped = fields.Boolean(load_default=False, metadata={"description": "Only those that something stops."})
    after = Text(most=MAX_VALUE, load_default="", metadata={"description": "`next` of a page."})
    limit = fields.Integer(load_default=50, validate=validate.Range(1, MAX_PAGE))


class SkuQuery(Schema):
    """Which article."""

    sku = Text(required=True, least=1, most=MAX_VALUE)


class SumSchema(Schema):
    """How a figure came about; quantities are text."""

    erp = Amount(required=True)
    captured = Amount(required=True, metadata={"description": "What orders take that the ERP does not know yet."})
    safety = Amount(required=True)
    available = Amount(required=True)
    figure = Amount(required=True, metadata={"description": "What the shop is to show."})


class PlaceSchema(Schema):
    """One article in one place of the shop."""

    name = fields.String(required=True, metadata={"description": "Empty for a shop without places."})
    sum = fields.Nested(SumSchema, required=True, allow_none=True)
    pushed = Amount(required=True, allow_none=True, metadata={"description": "What we last wrote."})
    pushed_at = Moment(required=True, allow_none=True)
    shown = Amount(required=True, allow_none=True, metadata={"description": "What the shop shows, as far as known."})


class ArticleSchema(Schema):
    """One article."""

    sku = fields.String(required=True)
    code = fields.String(required=True, metadata={"description": "The ERP's code."})
    state = fields.String(required=True)
    reason = fields.String(required=True)
    updated_at = Moment(required=True)
    places = fields.List(fields.Nested(PlaceSchema), required=True)


class StockPage(Schema):
    """A page of articles, by SKU."""

    articles = fields.List(fields.Nested(ArticleSchema), required=True)
    next = fields.String(required=True, allow_none=True)


@endpoint(blueprint, "GET", _CHANNEL, scope="stock:read", query=StockQuery, answer=StockPage)
def list_stock(query: dict[str, Any], channel: str) -> dict[str, Any]:
    """The articles of a channel whose shop shows the ERP's stock."""
    _demand(channel)
    options = {"text": query["q"], "after": query["after"], "stopped": query["stopped"], "limit": query["limit"]}
    with refusing():
        found = ledger_page(parts().store, parts().config, channel, **options)
    return _page(found)


@endpoint(blueprint, "GET", f"{_CHANNEL}/article", scope="stock:read", query=SkuQuery, answer=ArticleSchema)
def show_article(query: dict[str, Any], channel: str) -> dict[str, Any]:
    """Why the shop shows what it shows of one article."""
    _demand(channel)
    with refusing():
        found = explain(parts().store, parts().config, channel, query["sku"])
    if found is None:
        raise missing("article")
    return _article(found.articles[0])


def _demand(channel: str) -> None:
    demand_channel(channel)
    if channel not in parts().config.channels:
        raise missing("channel")


def _page(ledger: Ledger) -> dict[str, Any]:
    return {"articles": [_article(one) for one in ledger.articles], "next": ledger.next or None}


def _article(view: ArticleView) -> dict[str, Any]:
    article = view.article
    return {
        "sku": article.sku,
        "code": view.code,
        "state": article.state,
        "reason": str(article.reason),
        "updated_at": article.updated_at,
        "places": [_place(place) for place in view.places],
    }


def _place(place: PlaceView) -> dict[str, Any]:
    shown = place.shown
    seen = {"pushed": shown.quantity, "pushed_at": shown.pushed_at, "shown": shown.seen}
    return {"name": place.name, "sum": place.sum, **seen}
