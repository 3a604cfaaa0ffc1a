"""Orders as they are pulled, fetched and listed: sales orders, or accepted quotes, or won deals.

A list is read by key, time and id together, so that nothing is lost where rows come and go, and no list gets as long as
Zoho's limits. The query names what changed, with e-mail and VAT number of contact and account; each record is then read
for its lines.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final

from connectors.kit.base import DocumentSummary, Envelope, JsonDict, Page
from connectors.kit.errors import ConnectionBroken, RecordRejected, Transient
from connectors.kit.moments import moment_of, moment_text, whole_second
from connectors.kit.words import say
from connectors.zoho_crm.client import MOST_RECORDS, MOST_ROWS, Client, rows_of

#: Under this name a record is given what stands around it; the mapping reads it.
AROUND: Final = "$crossdock"
#: What a record can be made of -> its look-up of that.
ORIGINS: Final = {"quotes": "Quote_Name", "deals": "Deal_Name"}
#: What is to be an order -> of what it can be made.
MADE_OF: Final[Mapping[str, tuple[str, ...]]] = {"sales_orders": ("quotes", "deals"), "quotes": ("deals",), "deals": ()}
#: Parts of an address -> what the fields of a contact and of an account are called.
_PARTS: Final = {"street": "Street", "city": "City", "region": "State", "postal_code": "Code", "country": "Country"}
_BILLING: Final = {part: f"Billing_{name}" for part, name in _PARTS.items()}
_SHIPPING: Final = {part: f"Shipping_{name}" for part, name in _PARTS.items()}
_MAILING: Final = {part: f"Mailing_{name}" for part, name in (_PARTS | {"postal_code": "Zip"}).items()}
_COMPANY: Final = {"billing": _BILLING, "shipping": _SHIPPING}
_PERSON: Final = {"first_name": "First_Name", "last_name": "Last_Name", "email": "Email", "phone": "Phone"}
_BEGINNING: Final = dt.datetime(2005, 1, 1, tzinfo=dt.UTC)
_SECOND: Final = dt.timedelta(seconds=1)
_PAGE_OF_DELETED: Final = 200


@dataclasses.dataclass(frozen=True, slots=True)
class Module:
    """A kind of record that can be an order."""

    name: str
    number: str
    state: str
    total: str
    #: The list of its lines; empty for one that has none of its own.
    lines: str
    #: The stages in which it is an order; empty where every one of them is one in some state.
    stages: tuple[str, ...] = ()


MODULES: Final = {
    "sales_orders": Module("Sales_Orders", "SO_Number", "Status", "Grand_Total", "Ordered_Items"),
    "quotes": Module("Quotes", "Quote_Number", "Quote_Stage", "Grand_Total", "Quoted_Items", ("Accepted",)),
    "deals": Module("Deals", "Deal_Name", "Stage", "Amount", "", ("Closed Won",)),
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What the connection's options say of orders."""

    module: Module
    per_page: int
    overlap: dt.timedelta
    #: The field of an account that holds its VAT number; empty where there is none.
    vat_field: str
    #: The list of lines of a deal, and the article of a deal without any.
    deal_lines: str
    deal_article: str
    #: Of what a record may not be made: that is an order itself, at another connection.
    leave_out: tuple[str, ...] = ()


class Orders:
    """The orders of one organisation. Thread-safe."""

    def __init__(self, client: Client, reading: Reading) -> None:
        self._client, self._reading = client, reading
        self._module = reading.module

    # -- pulling ---------------------------------------------------------------------------------------------

    def pull(self, checkpoint: str | None, since: dt.datetime | None) -> Iterator[Page]:
        """See `ZohoCrm.pull_orders`."""
        start = whole_second(since) if since else _BEGINNING
        if checkpoint is not None:
            start = max(moment_of(checkpoint) - self._reading.overlap, _BEGINNING)
        reached = start if checkpoint is None else moment_of(checkpoint)
        yielded = False
        columns = ("id", "Modified_Time", *self._columns_around())
        for rows in self._walk(columns, "Modified_Time", start, None, self._reading.per_page):
            reached = max([reached, *(time_of(row, "Modified_Time") for row in rows)])
            if envelopes := self._whole(rows):
                yielded = True
                yield Page(tuple(envelopes), moment_text(reached))
        # What was deleted before the first pull was never brought.
        if checkpoint is not None and (gone := self._deleted(start)):
            yielded = True
            yield Page(gone, moment_text(reached))
        if not yielded:
            yield Page((), moment_text(reached))

    def _whole(self, rows: Sequence[JsonDict]) -> list[Envelope]:
        """The records of the rows of a query; what was deleted meanwhile stands in the list of the deleted."""
        found = [(row, self._client.record(self._module.name, row["id"])) for row in rows]
        records = [(row, record) for row, record in found if record is not None]
        codes_of = self._codes(record for _row, record in records)
        return [self._envelope(record, row, codes_of) for row, record in records]

    def _deleted(self, since: dt.datetime) -> tuple[Envelope, ...]:
        """Those that were deleted from `since` on."""
        found, page = {}, 1
        while True:
            params: dict[str, str | int] = {"type": "all", "page": page, "per_page": _PAGE_OF_DELETED}
            data = self._client.get(f"{self._module.name}/deleted", params, since=_written(since))
            for row in rows_of(data):
                at = time_of(row, "deleted_time")
                if at >= since:
                    found[row["id"]] = Envelope(row["id"], moment_text(at), {"id": row["id"]}, deleted=True)
            info = data.get("info")
            if not (isinstance(info, dict) and info.get("more_records")):
                return tuple(found.values())
            page += 1

    # -- fetching --------------------------------------------------------------------------------------------

    def fetch(self, external_ids: Sequence[str]) -> list[Envelope]:
        """See `ZohoCrm.fetch_orders`."""
        wanted = list(dict.fromkeys(record_id(external_id) for external_id in external_ids))
        records = {each: self._client.record(self._module.name, each) for each in wanted}
        there = [each for each in wanted if records[each] is not None]
        around = self._around(there)
        codes_of = self._codes(record for record in records.values() if record is not None)
        return [
            self._envelope(record, around.get(each, {}), codes_of)
            if (record := records[each]) is not None
            else Envelope(each, "", {"id": each}, deleted=True)
            for each in wanted
        ]

    def fetch_one(self, external_id: str) -> Envelope:
        """The same of one, with what it needs to be compared and no more."""
        [found] = self.fetch([external_id])
        return found

    def any_one(self) -> None:
        """Read as much of one order as a pull does. Raises what a pull raises."""
        columns = ", ".join(("id", "Modified_Time", *self._columns_around()))
        where = f"Modified_Time >= '{_written(_BEGINNING)}'"
        rows, _more = self._select(columns, where, "limit 0, 1")
        self._whole(rows)

    def _around(self, ids: Sequence[str]) -> dict[str, JsonDict]:
        """Id -> what stands at the contact and account of each."""
        if not ids:
            return {}
        listed = ", ".join(f"'{each}'" for each in ids)
        columns = ", ".join(("id", *self._columns_around()))
        rows, _more = self._select(columns, f"id in ({listed})", f"limit 0, {MOST_RECORDS}")
        return {row["id"]: row for row in rows}

    def _select(self, columns: str, where: str, tail: str) -> tuple[list[JsonDict], bool]:
        """Made of names of fields that are checked, of ids, times and quoted texts."""
        return self._client.query(f"select {columns} from {self._module.name} where {where} {tail}")  # noqa: S608

    def _columns_around(self) -> tuple[str, ...]:
        reading = self._reading
        person = (*_PERSON.values(), *_MAILING.values())
        company = (
            "Phone",
            *((reading.vat_field,) if reading.vat_field else ()),
            *_BILLING.values(),
            *_SHIPPING.values(),
        )
        return (*(f"Contact_Name.{name}" for name in person), *(f"Account_Name.{name}" for name in company))

    def _envelope(self, record: JsonDict, row: JsonDict, codes_of: dict[str, str]) -> Envelope:
        organisation = self._client.organisation()
        reading = self._reading
        around = {
            "module": self._module.name,
            "organisation": {"currency": organisation.currency, "zone": organisation.zone},
            "account": _party(record, row, "Account_Name", {"phone": "Phone", "vat_id": reading.vat_field}, **_COMPANY),
            "contact": _party(record, row, "Contact_Name", _PERSON, mailing=_MAILING),
            "codes": {product: codes_of[product] for product in _uncoded(record, self._lines()) if product in codes_of},
            "accepted": record.get(self._module.state) in self._module.stages,
            "lines": reading.deal_lines,
            "article": reading.deal_article,
            "made_of": next((each for each in reading.leave_out if _refers(record, ORIGINS[each])), ""),
        }
        version = moment_text(time_of(record, "Modified_Time"))
        return Envelope(record["id"], version, record | {AROUND: around})

    def _lines(self) -> str:
        return self._module.lines or self._reading.deal_lines

    def _codes(self, records: Iterable[JsonDict]) -> dict[str, str]:
        """Product id -> its code, of the lines that do not say it."""
        wanted = list(dict.fromkeys(product for record in records for product in _uncoded(record, self._lines())))
        found: dict[str, str] = {}
        for start in range(0, len(wanted), MOST_RECORDS):
            for row in self._client.records("Products", wanted[start : start + MOST_RECORDS], ("Product_Code",)):
                found[row["id"]] = str(row.get("Product_Code") or "")
        return found

    # -- listing ---------------------------------------------------------------------------------------------

    def list_all(self, since: dt.datetime, until: dt.datetime) -> Iterator[DocumentSummary]:
        """See `ZohoCrm.list_orders`."""
        organisation = self._client.organisation()
        module = self._module
        money = (module.total, *(("Currency",) if organisation.currencies else ()))
        columns = ("id", module.number, module.state, *money, "Created_Time", "Modified_Time")
        end = whole_second(until) + _SECOND
        size = min(MOST_ROWS, 4 * self._reading.per_page)
        for rows in self._walk(columns, "Created_Time", whole_second(since), end, size):
            for row in rows:
                placed_at = time_of(row, "Created_Time")
                if since <= placed_at < until:
                    yield _summary(module, row, placed_at, organisation.currency)

    def _walk(
        self, columns: Sequence[str], name: str, start: dt.datetime, end: dt.datetime | None, size: int
    ) -> Iterator[list[JsonDict]]:
        """Every record from `start` on by the time `name`, oldest first; what changes meanwhile may come twice."""
        stages = (
            [f"{self._module.state} in ({', '.join(map(quoted, self._module.stages))})"] if self._module.stages else []
        )
        ends = [] if end is None else [f"{name} < '{_written(end)}'"]
        after = f"{name} >= '{_written(start)}'"
        while True:
            where = _all_of([after, *ends, *stages])
            rows, more = self._select(", ".join(columns), where, f"order by {name} asc, id asc limit 0, {size}")
            yield rows
            if not (more and rows):
                return
            last, last_id = time_of(rows[-1], name), record_id(rows[-1]["id"])
            if last < start:
                raise Transient(say("Zoho CRM answered with records older than asked for"), code="old_rows")
            written = _written(last)
            after = f"(({name} > '{written}') or ({name} = '{written}' and id > '{last_id}'))"


def _all_of(terms: Sequence[str]) -> str:
    """Joined by `and`, two at a time in brackets, as the query language wants it."""
    whole = terms[0]
    for term in terms[1:]:
        whole = f"({whole} and {term})"
    return whole


def quoted(text: str) -> str:
    """A text as it stands in a query."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _party(
    record: JsonDict, row: JsonDict, lookup: str, names: Mapping[str, str], **addresses: Mapping[str, str]
) -> JsonDict | None:
    """What the query said of the record that a look-up names, with its addresses."""
    there = record.get(lookup)
    if not isinstance(there, dict) or not there.get("id"):
        return None
    where = {kind: _said(row, lookup, address) for kind, address in addresses.items()}
    told = {**_said(row, lookup, names), **{kind: address for kind, address in where.items() if address}}
    return {"id": str(there["id"]), "name": there.get("name") or "", **told}


def _said(row: JsonDict, lookup: str, names: Mapping[str, str]) -> JsonDict:
    """Without what is empty."""
    said = {ours: row.get(f"{lookup}.{theirs}") for ours, theirs in names.items() if theirs}
    return {ours: value for ours, value in said.items() if value is not None}


def _refers(record: JsonDict, lookup: str) -> bool:
    there = record.get(lookup)
    return isinstance(there, dict) and bool(there.get("id"))


def _uncoded(record: JsonDict, lines: str) -> Iterator[str]:
    """The products of lines that do not say their code."""
    rows = record.get(lines) if lines else None
    for row in rows if isinstance(rows, list) else ():
        product = row.get("Product_Name") if isinstance(row, dict) else None
        if isinstance(product, dict) and isinstance(product.get("id"), str) and not product.get("Product_Code"):
            yield product["id"]


def _summary(module: Module, row: JsonDict, placed_at: dt.datetime, currency: str) -> DocumentSummary:
    total = row.get(module.total)
    number = str(row.get(module.number) or row["id"])
    if isinstance(total, bool) or not isinstance(total, int | Decimal):
        text = say("order %(number)s of the list has no readable total", number=number)
        raise RecordRejected(text, field=module.total)
    return DocumentSummary(
        external_id=row["id"],
        key=row["id"],
        number=number,
        state=str(row.get(module.state) or "none"),
        total=Decimal(total),
        currency=str(row.get("Currency") or currency),
        placed_at=placed_at,
        version=str(row.get("Modified_Time") or ""),
    )


def record_id(text: str) -> str:
    """The id of a record as it may stand in an address. Raises RecordRejected for what is none."""
    if text.isascii() and text.isdecimal():
        return text
    raise RecordRejected(say("%(id)s is no id of Zoho CRM: it must be a whole number", id=repr(text)), field="id")


def time_of(row: JsonDict, name: str) -> dt.datetime:
    """A time of a record, in UTC. Raises Transient for one that cannot be read."""
    try:
        return dt.datetime.fromisoformat(str(row.get(name))).astimezone(dt.UTC)
    except ValueError:
        raise Transient(say("a record of Zoho CRM has no readable %(name)s", name=name), code="no_time") from None


def _written(moment: dt.datetime) -> str:
    return f"{moment_text(moment)}+00:00"


def module_of(source: str, stages: Sequence[str]) -> Module:
    """The kind of record that is an order. Raises ConnectionBroken for stages of one that has none."""
    module = MODULES[source]
    if not stages:
        return module
    if not module.stages:
        text = say("option 'stages' is for quotes and deals: a sales order is an order in every state")
        raise ConnectionBroken(text, code="option")
    return dataclasses.replace(module, stages=tuple(stages))
