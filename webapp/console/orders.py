"""The orders: searched, narrowed down, a page at a time, and as a file. One order is in `webapp.console.order`."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext

from sync.desk.causes import words_of
from sync.desk.issue_life import assignable
from sync.desk.orders import LABELS, TABS, Tab, every_order, list_page, open_causes, read_mark, write_mark
from sync.desk.selections import ACTIONS
from sync.store.listed import Listed
from sync.store.search import NOBODY, Page, Paging, Sort, Wanted
from webapp.console import views
from webapp.console.access import needs
from webapp.console.csvfile import export_response
from webapp.console.present import said
from webapp.console.texts import zone
from webapp.parts import parts

blueprint = Blueprint("orders", __name__, url_prefix="/orders")

_SIZE: Final = 50
_MAX_TEXT: Final = 200
_FILTERS: Final = (
    *("q", "channel", "connection", "cause", "since", "until", "low", "high", "currency", "assignee", "due"),
    # Of links: no field of the form.
    *("issue", "run"),
)
_OVERDUE: Final = "overdue"
_AMOUNT: Final = re.compile(r"-?[0-9]{1,12}(?:[.,][0-9]{1,4})?")
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_NUMBER: Final = re.compile(r"[0-9]{1,12}")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]+")
_SORTS: Final = {
    Sort.PLACED: lazy_gettext("Placed"),
    Sort.AMOUNT: lazy_gettext("Total"),
    Sort.CHANGED: lazy_gettext("Changed"),
}
_COLUMNS: Final = (
    *("channel", "external_id", "number", "customer", "email", "placed_at", "state", "source_state", "currency"),
    *("grand", "causes", "reason", "erp_id", "erp_number", "erp_total", "updated_at"),
)


@dataclasses.dataclass(slots=True)
class Asked:
    """What the address asks for: the filters as typed and as understood, and what of them cannot be understood."""

    typed: dict[str, str]
    errors: dict[str, str] = dataclasses.field(default_factory=dict)
    tab: Tab = Tab.NEEDS
    sort: Sort = Sort.PLACED
    descending: bool = True

    def address(self, endpoint: str = "orders.index", **changes: Any) -> str:
        """This list with something else about it."""
        kept: dict[str, Any] = {**self.typed, "tab": self.tab, "sort": self.sort, "dir": self.direction}
        return url_for(endpoint, **{**kept, **changes})

    @property
    def query(self) -> dict[str, str]:
        """The filters as they stand in an address, without the order of the list."""
        return {**self.typed, "tab": self.tab.value}

    @property
    def direction(self) -> str:
        """As it stands in the address."""
        return "desc" if self.descending else "asc"


@blueprint.get("")
@needs("viewer")
def index() -> ResponseReturnValue:
    """One page of the list; without a word of what is wanted, one's own beginning, or what needs a person."""
    if begins := views.beginning("orders"):
        return redirect(begins)
    asked, wanted = asked_for()
    paging = Paging(
        sort=asked.sort,
        descending=asked.descending,
        limit=_SIZE,
        after=read_mark(request.args.get("after", ""), asked.sort),
        before=read_mark(request.args.get("before", ""), asked.sort),
    )
    listing = list_page(parts().store, parts().config, wanted, asked.tab, paging)
    return render_template(
        "console/orders.html",
        asked=asked,
        views=views.bar("orders"),
        rows=listing.page.rows,
        tabs=[(said(LABELS[tab]), asked.address(tab=tab), tab is asked.tab, listing.counts[tab]) for tab in TABS],
        total=listing.counts[asked.tab],
        channels=sorted(parts().config.channels),
        connections=sorted(parts().config.connections),
        actions=[(action, said(label)) for action, label in ACTIONS.items()],
        causes=_causes(asked.typed.get("cause", "")),
        people=_people(asked.typed.get("assignee", "")),
        heads=dict(_heads(asked)),
        **_turns(asked, listing.page),
    )


@blueprint.get("/orders.csv")
@needs("viewer")
def export() -> Response:
    """Everything that fits, as a file."""
    asked, wanted = asked_for()
    wanted = dataclasses.replace(wanted, states=TABS[asked.tab])
    found = every_order(parts().store, parts().config, wanted, sort=asked.sort, descending=asked.descending)
    return export_response("orders", asked.query, _COLUMNS, map(_row, found))


def _row(order: Listed) -> list[object]:
    values = {**dataclasses.asdict(order), "causes": " ".join(order.causes)}
    return [values[name] for name in _COLUMNS]


# --- what the address says --------------------------------------------------------------------------------------


def asked_for() -> tuple[Asked, Wanted]:
    """What this request's address asks for: as typed, and as the list is narrowed by it, but for the tab's states."""
    asked = _asked()
    return asked, _wanted(asked)


def _asked() -> Asked:
    given = {name: _CONTROL.sub(" ", request.args.get(name, "")).strip()[:_MAX_TEXT] for name in _FILTERS}
    asked = Asked({name: value for name, value in given.items() if value})
    # Whoever looks for something means all there is, whoever looks in without a word means what waits for them.
    fallback = Tab.ALL if asked.typed else Tab.NEEDS
    asked.tab = next((tab for tab in Tab if tab == request.args.get("tab")), fallback)
    if request.args.get("tab", asked.tab) != asked.tab:
        asked.errors["tab"] = _("There is no tab of that name; this one stands in its place.")
    asked.sort = next((sort for sort in Sort if sort == request.args.get("sort")), Sort.PLACED)
    asked.descending = request.args.get("dir") != "asc"
    return asked


def _wanted(asked: Asked) -> Wanted:
    typed = asked.typed
    until = _day(asked, "until")
    currency = typed.get("currency", "").upper()
    if currency and not _CURRENCY.fullmatch(currency):
        asked.errors["currency"] = _("three letters, such as EUR")
        currency = ""
    return Wanted(
        text=typed.get("q", ""),
        channel=_channel(asked),
        channels=_channels_of(asked),
        issues=_numbers(asked, "issue"),
        run=next(iter(_numbers(asked, "run")), None),
        cause=typed.get("cause", ""),
        since=_day(asked, "since"),
        until=None if until is None else until + dt.timedelta(days=1),
        low=_amount(asked, "low"),
        high=_amount(asked, "high"),
        currency=currency,
        assignee=typed.get("assignee", ""),
        due_before=_due(asked),
    )


def _due(asked: Asked) -> str:
    """Today in the user's zone, where what is overdue is asked for."""
    text = asked.typed.get("due", "")
    if text and text != _OVERDUE:
        asked.errors["due"] = _("There is nothing of that name to choose, so it is left out.")
    return f"{dt.datetime.now(zone()):%Y-%m-%d}" if text == _OVERDUE else ""


def _channel(asked: Asked) -> str:
    name = asked.typed.get("channel", "")
    if name and name not in parts().config.channels:
        asked.errors["channel"] = _("There is no such channel any more, so nothing fits.")
    return name


def _channels_of(asked: Asked) -> tuple[str, ...]:
    """The channels of a connection, on either side; of none that there is, a name that no channel has."""
    name = asked.typed.get("connection", "")
    if not name:
        return ()
    if name not in parts().config.connections:
        asked.errors["connection"] = _("There is no such connection any more, so nothing fits.")
    found = [one.name for one in parts().config.channels.values() if name in {one.source, one.erp}]
    return tuple(sorted(found)) or ("",)


def _numbers(asked: Asked, name: str) -> tuple[int, ...]:
    """Ids of what a link names; one that is none fits nothing."""
    text = asked.typed.get(name, "")
    if not text:
        return ()
    return (int(text),) if _NUMBER.fullmatch(text) else (0,)


def _day(asked: Asked, name: str) -> dt.datetime | None:
    """The beginning of a day in the user's zone."""
    text = asked.typed.get(name, "")
    if not text:
        return None
    try:
        day = dt.date.fromisoformat(text)
        # The edges of the calendar have no day after, and no other zone.
        return dt.datetime.combine(day, dt.time(), tzinfo=zone()) if 1 < day.year < dt.MAXYEAR else None
    except ValueError:
        asked.errors[name] = _("a day such as 2026-11-22")
        return None


def _amount(asked: Asked, name: str) -> Decimal | None:
    text = asked.typed.get(name, "")
    if not text:
        return None
    if not _AMOUNT.fullmatch(text):
        asked.errors[name] = _("an amount such as 120.50")
        return None
    return Decimal(text.replace(",", "."))


# --- what the page shows ----------------------------------------------------------------------------------------


def _causes(chosen: str) -> list[tuple[str, str]]:
    """(value, text) of every open cause, and of the chosen one also where nothing is stopped by it any more."""
    names = sorted({*open_causes(parts().store), *({chosen} - {""})})
    return [(name, said(words_of(name).label)) for name in names]


def _people(chosen: str) -> list[tuple[str, str]]:
    """Nobody, everybody who may care for an order, and who is chosen."""
    names = sorted({*assignable(parts().store), *({chosen} - {"", NOBODY})})
    return [(NOBODY, _("nobody")), *((name, name) for name in names)]


def _heads(asked: Asked) -> Iterator[tuple[str, Mapping[str, str]]]:
    """The headings by which the list is sorted; a second click turns it round."""
    for sort, text in _SORTS.items():
        here = sort is asked.sort
        order = ("descending" if asked.descending else "ascending") if here else "none"
        turned = "asc" if here and asked.descending else "desc"
        css = "num" if sort is Sort.AMOUNT else ""
        yield sort.value, {"text": str(text), "sort": order, "url": asked.address(sort=sort, dir=turned), "class": css}


def _turns(asked: Asked, page: Page) -> dict[str, str]:
    return {
        "newer": asked.address(before=write_mark(page.previous)) if page.previous else "",
        "older": asked.address(after=write_mark(page.next)) if page.next else "",
    }
