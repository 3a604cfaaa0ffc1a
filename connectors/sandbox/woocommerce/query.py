"""How lists are asked: parameters with their checks, selection, paging headers, `_fields`.

The traps are the recorded ones: `modified_after` excludes its own second; without `dates_are_gmt` it is compared with
the site's local time; a value *with* a zone is first turned into local time, so `...Z` together with `dates_are_gmt`
is shifted and silently finds nothing (in a zone east of UTC).
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
import re
import zoneinfo
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar
from urllib.parse import quote_plus

from connectors.sandbox.exchange import Headers
from connectors.sandbox.woocommerce.errors import invalid_param
from connectors.sandbox.woocommerce.settings import to_local
from connectors.sandbox.woocommerce.shop import Json, OrderRow, Shop

_T = TypeVar("_T")

_DATE_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:[Zz]|[+-]\d{2}(?::\d{2})?)?")
_ORDER_BY = ("date", "id", "include", "title", "slug", "modified")
_TRUE = frozenset({"1", "true", "yes", "on"})
_MAX_PER_PAGE = 100


@dataclasses.dataclass(frozen=True, slots=True)
class ListQuery:
    """The checked parameters of one list request; `given` are the raw ones in their order, for the Link header."""

    given: tuple[tuple[str, str], ...]
    page: int
    per_page: int
    offset: int
    order: str
    order_by: str
    gmt: bool
    include: frozenset[int]
    exclude: frozenset[int]

    def get(self, name: str, default: str = "") -> str:
        """A raw parameter; the last one wins."""
        return dict(self.given).get(name, default)

    def many(self, name: str) -> list[str]:
        """A list parameter: `a,b`, `name[]=a&name[]=b` or `name[0]=a`."""
        values = [
            value for key, value in self.given if key == name or (key.startswith(f"{name}[") and key.endswith("]"))
        ]
        return [piece for value in values for piece in value.split(",") if piece]


def read_query(pairs: Sequence[tuple[str, str]]) -> ListQuery:
    """Check what every list takes. Raises WpError 400."""
    given = tuple((key, value) for key, value in pairs if not key.startswith(("oauth_", "consumer_")))
    values = dict(given)
    per_page = _integer(values, "per_page", 10, 1, _MAX_PER_PAGE)
    order_by = values.get("orderby", "date")
    if order_by not in _ORDER_BY:
        raise _not_in("orderby", _ORDER_BY)
    if (order := values.get("order", "desc")) not in {"asc", "desc"}:
        raise _not_in("order", ("asc", "desc"))
    for name in ("after", "before", "modified_after", "modified_before"):
        if name in values and not _DATE_TIME.fullmatch(values[name]):
            raise invalid_param(name, "Invalid date.", "rest_invalid_date")
    query = ListQuery(
        given=given,
        page=_integer(values, "page", 1, 1, None),
        per_page=per_page,
        offset=_integer(values, "offset", 0, None, None),
        order=order,
        order_by=order_by,
        gmt=values.get("dates_are_gmt", "").lower() in _TRUE,
        include=frozenset(),
        exclude=frozenset(),
    )
    return dataclasses.replace(query, include=_numbers(query, "include"), exclude=_numbers(query, "exclude"))


def _numbers(query: ListQuery, name: str) -> frozenset[int]:
    return frozenset(int(piece) for piece in query.many(name) if piece.strip().isdigit())


def _integer(values: dict[str, str], name: str, default: int, low: int | None, high: int | None) -> int:
    text = values.get(name, "")
    if not text:
        return default
    if not re.fullmatch(r"-?\d+", text):
        raise invalid_param(name, f"{name} is not of type integer.", "rest_invalid_type", {"param": name})
    number = int(text)
    if high is not None and low is not None and not low <= number <= high:
        message = f"{name} must be between {low} (inclusive) and {high} (inclusive)"
        raise invalid_param(name, message, "rest_out_of_bounds")
    if low is not None and number < low:
        raise invalid_param(name, f"{name} must be greater than or equal to {low}", "rest_out_of_bounds")
    return number


def _not_in(name: str, allowed: Sequence[str]) -> Exception:
    message = f"{name} is not one of {', '.join(allowed[:-1])}, and {allowed[-1]}."
    return invalid_param(name, message, "rest_not_in_enum")


# -- times -------------------------------------------------------------------------------------------------------


def compared_text(value: str, zone: zoneinfo.ZoneInfo) -> str:
    """The text that WordPress compares with its column: what was sent, a value with a zone turned into local time."""
    moment = dt.datetime.fromisoformat(value.upper().replace(" ", "T"))
    if moment.tzinfo is not None:
        moment = moment.astimezone(zone)
    return moment.strftime("%Y-%m-%dT%H:%M:%S")


def _limits(query: ListQuery, zone: zoneinfo.ZoneInfo) -> list[tuple[str, str, str]]:
    """(column, "after" or "before", text) of every time that was given."""
    return [
        (column, side, compared_text(text, zone))
        for column, prefix in (("created", ""), ("modified", "modified_"))
        for side in ("after", "before")
        if (text := query.get(f"{prefix}{side}"))
    ]


def created_within(query: ListQuery, gmt: str, zone: zoneinfo.ZoneInfo) -> bool:
    """Whether something that was made at `gmt` lies between the query's `after` and `before`, both excluded."""
    value = gmt if query.gmt else to_local(gmt, zone)
    limits = (limit for limit in _limits(query, zone) if limit[0] == "created")
    return all(value > text if side == "after" else value < text for _, side, text in limits)


def _walked_column(query: ListQuery) -> str:
    """The time by which the list is sorted and an index knows it; "" for none."""
    if not query.gmt or query.include:
        return ""
    return {"modified": "modified", "date": "created"}.get(query.order_by, "")


def _time_filter(query: ListQuery, shop: Shop) -> Callable[[OrderRow], bool] | None:
    zone = shop.settings.zone
    walked = _walked_column(query)
    limits = [limit for limit in _limits(query, zone) if limit[0] != walked]
    if not limits:
        return None

    def inside(row: OrderRow) -> bool:
        for column, side, limit in limits:
            gmt: str = getattr(row, column)
            value = gmt if query.gmt else to_local(gmt, zone)
            if not (value > limit if side == "after" else value < limit):
                return False
        return True

    return inside


# -- selection ---------------------------------------------------------------------------------------------------


def select_orders(query: ListQuery, shop: Shop, statuses: Iterable[str]) -> list[OrderRow]:
    """All orders of the query in its order, before paging. Take the shop's lock around it."""
    rows = _candidates(query, shop)
    wanted = frozenset(statuses)
    if "any" in wanted:
        rows = [row for row in rows if row.status != "trash"]
    else:
        rows = [row for row in rows if row.status in wanted]
    if query.exclude:
        rows = [row for row in rows if row.id not in query.exclude]
    if within := _time_filter(query, shop):
        rows = [row for row in rows if within(row)]
    if search := query.get("search").lower():
        rows = [row for row in rows if search in row.raw.decode().lower()]
    if customer := query.get("customer"):
        rows = [row for row in rows if row.document()["customer_id"] == int(customer)]
    return _sorted(rows, query)


def _candidates(query: ListQuery, shop: Shop) -> list[OrderRow]:
    """The rows that can match, by the cheapest way; those of a walk by time come sorted and cut."""
    if query.include:
        return [shop.orders[number] for number in query.include if number in shop.orders]
    column = _walked_column(query)
    if not column:
        return list(shop.orders.values())
    index = shop.by_time[column]
    low, high = 0, len(index)
    for limited, side, text in _limits(query, shop.settings.zone):
        if limited == column and side == "after":
            low = bisect_right(index, (text, math.inf))
        elif limited == column:
            high = bisect_left(index, (text, -1))
    return [shop.orders[number] for _, number in index[low:high]]


def _sorted(rows: list[OrderRow], query: ListQuery) -> list[OrderRow]:
    if query.order_by == "include" and query.include:
        wanted = [int(piece) for piece in query.many("include")]
        rows.sort(key=lambda row: wanted.index(row.id))
        return rows
    if not _walked_column(query):
        column = {"modified": "modified", "date": "created"}.get(query.order_by)
        rows.sort(key=lambda row: (getattr(row, column) if column else "", row.id))
    if query.order == "desc":
        rows.reverse()
    return rows


def page_of(query: ListQuery, rows: Sequence[_T]) -> Sequence[_T]:
    """The page that was asked for."""
    start = query.offset or (query.page - 1) * query.per_page
    return rows[start : start + query.per_page]


def paging_headers(
    query: ListQuery,
    total: int,
    address: str,
    *,
    filled: Sequence[tuple[str, str]] = (),
    shown: Sequence[tuple[str, str]] = (),
) -> Headers:
    """`X-WP-Total`, `X-WP-TotalPages` and `Link`. A page past the end says 0 and 0, as recorded.

    `filled` are parameters that WordPress writes anew into its links, `shown` those that it adds when there is
    something to show.
    """
    pages = math.ceil(total / query.per_page)
    if query.page > max(pages, 1):
        total = pages = 0
    headers = [("X-WP-Total", str(total)), ("X-WP-TotalPages", str(pages))]
    links = []
    if query.page > 1:
        links.append((min(query.page - 1, pages), "prev"))
    if query.page < pages:
        links.append((query.page + 1, "next"))
    if links:
        added = [*filled, *(shown if pages else ())]
        text = ", ".join(f'<{address}?{_link_query(query, page, added)}>; rel="{name}"' for page, name in links)
        headers.append(("Link", text))
    return tuple(headers)


def _link_query(query: ListQuery, page: int, added: Sequence[tuple[str, str]]) -> str:
    anew = {key.partition("[")[0] for key, _ in added if "[" in key}
    pairs = [pair for pair in query.given if pair[0].partition("[")[0] not in anew]
    known = {key for key, _ in pairs}
    pairs += [(key, value) for key, value in added if key not in known]
    if "page" not in known:
        pairs.append(("page", ""))
    values = {"page": str(page)} | ({"dates_are_gmt": "1"} if query.gmt else {})
    return "&".join(f"{quote_plus(key)}={quote_plus(values.get(key, value))}" for key, value in pairs)


def pick_fields(record: Any, fields: str) -> Any:
    """`_fields=id,environment.version`: only these, in the record's own order."""
    wanted = [name.strip() for name in fields.split(",") if name.strip()]
    if not wanted:
        return record
    if isinstance(record, list):
        return [pick_fields(item, fields) for item in record]
    return _pick(record, [name.split(".") for name in wanted])


def _pick(record: Json, paths: list[list[str]]) -> Json:
    picked: Json = {}
    for key, value in record.items():
        below = [path[1:] for path in paths if path[0] == key]
        if not below:
            continue
        deeper = [path for path in below if path]
        picked[key] = (
            _pick(value, deeper) if deeper and len(deeper) == len(below) and isinstance(value, dict) else value
        )
    return picked
