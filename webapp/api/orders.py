"""Orders: listed, looked into, and decided about; each as the console's pages do it."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Callable
from typing import Any, Final

from marshmallow import Schema, fields, validate

from sync.desk.issue_life import assign_order, comment_order, comments_of
from sync.desk.lineage import lineage_of
from sync.desk.orders import Tab, list_page, read_mark, write_mark
from sync.desk.passport import find_order, load_passport, passport_to_json, seen_token
from sync.desk.steering import approve_order, look_again, reject_order, retry_again, retry_orders
from sync.flows.linking import find_sales, link_order
from sync.store.audit import Actor
from sync.store.engine import Store
from sync.store.listed import Listed
from sync.store.orders import StoredOrder
from sync.store.pins import Using
from sync.store.search import Paging, Sort, Wanted
from sync.work.rehearse import dry_run
from webapp.api.access import api_actor, caller, demand_channel
from webapp.api.issue_shapes import AssignBody, CommentBody, CommentSchema, MappingBody
from webapp.api.problems import ApiProblem, invalid, missing
from webapp.api.refusals import refusing
from webapp.api.routes import ApiBlueprint, endpoint
from webapp.api.shapes import MAX_NAME, MAX_PAGE, MAX_TEXT, MAX_VALUE, Amount, Json, Moment, Money, Reason, Text, money
from webapp.parts import parts

blueprint = ApiBlueprint("api-orders", __name__, description="Orders, and what people decide about them.")

ORDER: Final = "/orders/<channel>/<path:external_id>"


class CareQuery(Schema):
    """Who cares for them."""

    assignee = Text(most=MAX_NAME, load_default="", metadata={"description": "A login; `-` for nobody."})
    overdue = fields.Boolean(load_default=False, metadata={"description": "Only those due on a day before today, UTC."})


class OrderQuery(CareQuery):
    """Which orders; what is left out does not matter."""

    q = Text(most=MAX_TEXT, load_default="", metadata={"description": "Any number, e-mail address, SKU or name."})
    channel = Text(most=MAX_NAME, load_default="")
    cause = Text(most=64, load_default="", metadata={"description": "Stopped by a cause of this kind."})
    tab = fields.String(load_default=Tab.ALL.value, validate=validate.OneOf([tab.value for tab in Tab]))
    since = Moment(metadata={"description": "Placed at that time or later."})
    until = Moment(metadata={"description": "Placed before that time."})
    low = Amount(metadata={"pattern": Amount.PATTERN})
    high = Amount(metadata={"pattern": Amount.PATTERN})
    currency = fields.String(validate=validate.Regexp(r"^[A-Z]{3}$"))
    sort = fields.String(load_default=Sort.PLACED.value, validate=validate.OneOf([sort.value for sort in Sort]))
    direction = fields.String(load_default="desc", validate=validate.OneOf(["asc", "desc"]))
    limit = fields.Integer(load_default=50, validate=validate.Range(1, MAX_PAGE))
    after = Text(most=64, load_default="", metadata={"description": "`next` of a page, under the same filters."})
    before = Text(most=64, load_default="", metadata={"description": "`previous` of a page."})


class SaleSchema(Schema):
    """What stands for an order in the ERP."""

    id = fields.String(required=True)
    number = fields.String(required=True)
    total = fields.String(required=True)


class ListedOrder(Schema):
    """One line of the list."""

    channel = fields.String(required=True)
    external_id = fields.String(required=True, metadata={"description": "The source's own id."})
    number = fields.String(required=True)
    state = fields.String(required=True)
    reason = fields.String(required=True)
    causes = fields.List(fields.String(), required=True)
    source_state = fields.String(required=True)
    customer = fields.String(required=True)
    email = fields.String(required=True)
    total = fields.Nested(Money, required=True, allow_none=True, metadata={"description": "null: not readable."})
    placed_at = Moment(required=True)
    updated_at = Moment(required=True)
    due_at = Moment(required=True)
    sale = fields.Nested(SaleSchema, required=True, allow_none=True)


class OrderPage(Schema):
    """A page of the list."""

    orders = fields.List(fields.Nested(ListedOrder), required=True)
    counts = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    next = fields.String(required=True, allow_none=True)
    previous = fields.String(required=True, allow_none=True)


class OrderSchema(Schema):
    """Everything about one order."""

    seen = fields.String(required=True, metadata={"description": "Changes with all that a decision rests on."})
    passport = Json(required=True, metadata={"description": "As `crossdock order NUMBER --json` prints it."})


class OrderComments(Schema):
    """What people and programs have said about an order, the oldest first."""

    comments = fields.List(fields.Nested(CommentSchema), required=True)


class Seen(Schema):
    """What the decision rests on."""

    seen = Text(most=32, load_default="", metadata={"description": "`seen` of the order: refused if it is older."})


class Decision(Seen, Reason):
    """A decision, why, and what it rests on."""


class LinkBody(Reason):
    """The sale that an order is linked with."""

    reason = Text(most=500, load_default="", lines=True)
    sale_id = Text(required=True, least=1, most=MAX_VALUE, metadata={"description": "The ERP's id of it."})


class Done(Schema):
    """What became of a decision."""

    channel = fields.String(required=True)
    external_id = fields.String(required=True)
    done = fields.Boolean(
        required=True, metadata={"description": "false: a write has no outcome yet, which is looked up first."}
    )
    message = fields.String(required=True)


class LineageSchema(Schema):
    """Where fields came from."""

    lineage = Json(required=True, metadata={"description": "As `crossdock order NUMBER --lineage --json` prints it."})


class DryRunSchema(Schema):
    """What would be sent."""

    dry_run = Json(required=True, metadata={"description": "As `crossdock order NUMBER --dry-run --json` prints it."})


class FieldQuery(Schema):
    """Which field."""

    field = Text(most=MAX_TEXT, load_default="", metadata={"description": "This field and its parts; empty: all."})


class SaleQuery(Schema):
    """Which sale."""

    text = Text(required=True, least=1, most=MAX_TEXT, metadata={"description": "Its number, reference or id."})


class MatchSchema(Schema):
    """A sale of the ERP that may be meant."""

    id = fields.String(required=True)
    number = fields.String(required=True)
    state = fields.String(required=True)
    total = fields.Nested(Money, required=True)
    fits = fields.Boolean(required=True)
    verdict = fields.String(required=True)


class Matches(Schema):
    """Sales that may be meant."""

    sales = fields.List(fields.Nested(MatchSchema), required=True)


# --- reading ----------------------------------------------------------------------------------------------------


@endpoint(blueprint, "GET", "/orders", scope="orders:read", query=OrderQuery, answer=OrderPage)
def list_orders(query: dict[str, Any]) -> dict[str, Any]:
    """The orders that fit, a page at a time.

    A token that is limited to several channels names one of them.
    """
    sort = Sort(query["sort"])
    marks = {name: _mark(name, query[name], sort) for name in ("after", "before")}
    names = ("cause", "since", "until", "low", "high", "currency")
    filters = {name: query[name] for name in names if name in query}
    wanted = Wanted(text=query["q"], channel=channel_of(query["channel"]), **cared_for(query), **filters)
    paging = Paging(sort=sort, descending=query["direction"] == "desc", limit=query["limit"], **marks)
    listing = list_page(parts().store, parts().config, wanted, Tab(query["tab"]), paging)
    page = listing.page
    return {
        "orders": [_listed(row) for row in page.rows],
        "counts": {tab.value: count for tab, count in listing.counts.items()},
        "next": write_mark(page.next) if page.next else None,
        "previous": write_mark(page.previous) if page.previous else None,
    }


def channel_of(asked: str) -> str:
    """Raises ApiProblem for one that the token does not reach."""
    who = caller()
    if asked:
        demand_channel(asked)
    elif len(who.channels) > 1:
        raise invalid("query:channel", "nothing", f"one of {', '.join(sorted(who.channels))}")
    return asked or next(iter(who.channels), "")


def _mark(name: str, text: str, sort: Sort) -> Any:
    mark = read_mark(text, sort)
    if text and mark is None:
        raise invalid(f"query:{name}", text, "a mark that an earlier page has given, under the same sort")
    return mark


def _listed(row: Listed) -> dict[str, Any]:
    same = ("channel", "external_id", "number", "state", "reason", "causes", "source_state", "customer", "email")
    sale = {"id": row.erp_id, "number": row.erp_number, "total": row.erp_total} if row.erp_id else None
    times = {"placed_at": row.placed_at, "updated_at": row.updated_at, "due_at": row.due_at}
    return {
        **{name: getattr(row, name) for name in same},
        **times,
        "total": money(row.grand, row.currency),
        "sale": sale,
    }


@endpoint(blueprint, "GET", f"{ORDER}/lineage", scope="orders:read", query=FieldQuery, answer=LineageSchema)
def show_lineage(query: dict[str, Any], channel: str, external_id: str) -> dict[str, Any]:
    """Where every field of an order came from: source path, rule, look-up row, revision."""
    order = found_order(channel, external_id)
    with refusing():
        systems = parts().systems.channel(order.channel)
        return {"lineage": lineage_of(parts().store, systems, order, field=query["field"]).to_json()}


@endpoint(blueprint, "GET", f"{ORDER}/sales", scope="orders:read", query=SaleQuery, answer=Matches)
def list_sales(query: dict[str, Any], channel: str, external_id: str) -> dict[str, Any]:
    """Sales of the ERP that are called so, asked now, and whether each can be linked with the order."""
    order = found_order(channel, external_id)
    with refusing():
        found = find_sales(parts().store, parts().systems.channel(order.channel), order, query["text"])
    return {
        "sales": [
            {
                "id": match.sale.external_id,
                "number": match.sale_number,
                "state": match.sale.state,
                "total": money(match.sale.total, match.sale.currency),
                "fits": match.linkable,
                "verdict": str(match.verdict),
            }
            for match in found
        ]
    }


@endpoint(blueprint, "GET", f"{ORDER}/comments", scope="orders:read", answer=OrderComments)
def list_comments(channel: str, external_id: str) -> dict[str, Any]:
    """What was said about it."""
    return {"comments": comments_of(parts().store, found_order(channel, external_id))}


@endpoint(blueprint, "GET", ORDER, scope="orders:read", answer=OrderSchema)
def show_order(channel: str, external_id: str) -> dict[str, Any]:
    """Everything about one order: timeline, bindings, causes, what is next, the canonical record."""
    one = load_passport(parts().store, parts().config, found_order(channel, external_id))
    if one is None:
        raise missing("order")
    return {"seen": seen_token(one.kept), "passport": passport_to_json(one)}


# --- deciding ---------------------------------------------------------------------------------------------------


@endpoint(blueprint, "POST", f"{ORDER}/dry-run", scope="orders:write", answer=DryRunSchema)
def rehearse(channel: str, external_id: str) -> dict[str, Any]:
    """The exact calls that its next drain would send; nothing is written anywhere."""
    order = found_order(channel, external_id)
    with refusing():
        return {"dry_run": dry_run(parts().store, parts().systems, order).to_json()}


@endpoint(blueprint, "POST", f"{ORDER}/retry", scope="orders:write", body=MappingBody, answer=Done)
def retry(body: dict[str, Any], channel: str, external_id: str) -> dict[str, Any]:
    """Look at what is stored again; without a body, with the mapping that applies."""
    change = functools.partial(retry_orders, using=Using(body["mapping"]))
    return _release(found_order(channel, external_id), change)


@endpoint(blueprint, "POST", f"{ORDER}/look", scope="orders:write", answer=Done)
def look(channel: str, external_id: str) -> dict[str, Any]:
    """Read it at its source anew, and compare."""
    return _release(found_order(channel, external_id), look_again)


@endpoint(blueprint, "POST", f"{ORDER}/again", scope="orders:write", body=Seen, answer=Done)
def make_again(body: dict[str, Any], channel: str, external_id: str) -> dict[str, Any]:
    """Make a new sale for one that is gone in the ERP."""

    def change(store: Store, *, orders: list[StoredOrder], actor: Actor) -> int:
        return retry_again(store, orders=orders, actor=actor, seen=body["seen"])

    return _release(found_order(channel, external_id), change)


@endpoint(blueprint, "POST", f"{ORDER}/approve", scope="orders:write", body=Decision, answer=Done)
def approve(body: dict[str, Any], channel: str, external_id: str) -> dict[str, Any]:
    """Let it pass as it is."""
    order = found_order(channel, external_id)
    with refusing():
        causes = approve_order(parts().store, order, actor=api_actor(), **_decided(body))
    parts().bell.ring(order.channel, "order")
    return _done(order, f"Approved ({', '.join(causes)}); the order goes on.")


@endpoint(blueprint, "POST", f"{ORDER}/skip", scope="orders:write", body=Decision, answer=Done)
def skip(body: dict[str, Any], channel: str, external_id: str) -> dict[str, Any]:
    """Do not carry it over."""
    order = found_order(channel, external_id)
    with refusing():
        done = reject_order(parts().store, order, actor=api_actor(), **_decided(body))
    if not done:
        raise ApiProblem(
            409,
            "not_now",
            "The order is being worked on or looked up just now.",
            "Send the same again in a moment.",
            headers={"Retry-After": "5"},
        )
    return _done(order, "The order is not carried over.")


@endpoint(blueprint, "POST", f"{ORDER}/link", scope="orders:write", body=LinkBody, answer=Done)
def link(body: dict[str, Any], channel: str, external_id: str) -> dict[str, Any]:
    """Bind it to a sale that the ERP has; nothing is created."""
    order = found_order(channel, external_id)
    with refusing():
        systems = parts().systems.channel(order.channel)
        match = link_order(parts().store, systems, order, body["sale_id"], actor=api_actor(), reason=body["reason"])
    parts().bell.ring(order.channel, "order")
    return _done(order, f"The order is linked with sale {match.sale_number}.")


@endpoint(blueprint, "POST", f"{ORDER}/comments", scope="orders:write", body=CommentBody, answer=OrderComments)
def comment(body: dict[str, Any], channel: str, external_id: str) -> dict[str, Any]:
    """Say something about it."""
    order = found_order(channel, external_id)
    with refusing():
        comment_order(parts().store, order, body["text"], actor=api_actor())
    return {"comments": comments_of(parts().store, order)}


@endpoint(blueprint, "POST", f"{ORDER}/assign", scope="orders:write", body=AssignBody, answer=Done)
def assign(body: dict[str, Any], channel: str, external_id: str) -> dict[str, Any]:
    """Say who cares for it, and by which day."""
    order = found_order(channel, external_id)
    with refusing():
        assign_order(parts().store, order, **body, actor=api_actor())
    return _done(order, "Kept: who cares for it, and by when.")


def cared_for(asked: dict[str, Any]) -> dict[str, Any]:
    """The same, for `Wanted`."""
    today = f"{dt.datetime.now(dt.UTC):%Y-%m-%d}"
    return {"assignee": asked["assignee"], "due_before": today if asked["overdue"] else ""}


def _decided(body: dict[str, Any]) -> dict[str, str]:
    return {"reason": body["reason"].strip(), "seen": body["seen"]}


def _release(order: StoredOrder, change: Callable[..., int]) -> dict[str, Any]:
    with refusing():
        count = change(parts().store, orders=[order], actor=api_actor())
    parts().bell.ring(order.channel, "order")
    if not count:
        text = "A write of this order has no outcome yet: it is looked up first, and goes on by itself then."
        return _done(order, text, done=False)
    return _done(order, "The order is looked at again.")


def _done(order: StoredOrder, message: str, *, done: bool = True) -> dict[str, Any]:
    return {"channel": order.channel, "external_id": order.external_id, "done": done, "message": message}


def found_order(channel: str, external_id: str) -> StoredOrder:
    """Raises ApiProblem."""
    demand_channel(channel)
    # No order has a NUL in its id, and no PostgreSQL takes one.
    order = None if "\0" in external_id else find_order(parts().store, parts().config, channel, external_id)
    if order is None:
        raise missing("order")
    return order
