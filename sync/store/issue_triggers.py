"""How the database itself keeps what stands in each issue: the same triggers for SQLite and PostgreSQL.

Two steps. First a document's own columns follow its item (does it stand still), its order (what is it worth), and the
other issues that it stands in. Then the sums follow these columns, by what was and what is, and nothing else. On
PostgreSQL whoever changes an item, its order, or where it stands holds the item's row, so that none of them reckons
with what another is just changing; and each connection adds to rows of its own.
"""

# ruff: noqa: S608 - all of it is our own text
from __future__ import annotations

from collections.abc import Iterator
from typing import Final

#: The figures of `issue_sums`.
FIGURES: Final = ("documents", "stopped", "amount", "uneven", "shared", "shared_amount", "shared_uneven")
_CREATE: Final = "CREATE FUNCTION"
_STOPPED: Final = "IN ('held', 'parked')"
#: `grand` in ten-thousandths, where it is exactly so many, and below a billion units: a sum of very many stays far
#: below what 64 bits hold.
_AMOUNT_SQLITE: Final = (
    "CASE WHEN grand NOT GLOB '*[^-0-9.]*' AND abs(CAST(grand AS REAL)) < 1000000000"
    " AND (instr(grand, '.') = 0 OR length(grand) - instr(grand, '.') <= 4)"
    " THEN CAST(replace(grand || substr('.0000', CASE instr(grand, '.') WHEN 0 THEN 1"
    " ELSE 2 + length(grand) - instr(grand, '.') END), '.', '') AS INTEGER) END"
)
_AMOUNT_POSTGRESQL: Final = (
    r"CASE WHEN grand ~ '^-?[0-9]+(\.[0-9]{0,4})?$' AND abs(grand::numeric) < 1000000000"
    " THEN (grand::numeric * 10000)::bigint END"
)


def _kept(amount: str) -> dict[str, str]:
    """Column of an open document -> what it is to be."""
    order = "FROM orders WHERE item_id = issue_documents.item_id LIMIT 1"
    others = "FROM issue_documents AS other WHERE other.item_id = issue_documents.item_id AND other.closed_at IS NULL"
    return {
        "stopped": f"(SELECT state {_STOPPED} FROM work_items WHERE id = issue_documents.item_id)",
        "shared": f"(SELECT count(*) > 1 {others})",
        "currency": f"(SELECT currency {order})",
        "amount": f"(SELECT {amount} {order})",
    }


_KEPT: Final = {"sqlite": _kept(_AMOUNT_SQLITE), "postgresql": _kept(_AMOUNT_POSTGRESQL)}
_DIFFERS: Final = {"sqlite": "IS NOT", "postgresql": "IS DISTINCT FROM"}
#: Dialect -> assignments that bring the columns of open documents to what they must be, and when these are something
#: else.
STANDING: Final = {name: ", ".join(f"{each} = {is_}" for each, is_ in kept.items()) for name, kept in _KEPT.items()}
ASTRAY: Final = {
    name: " OR ".join(f"{each} {_DIFFERS[name]} {is_}" for each, is_ in kept.items()) for name, kept in _KEPT.items()
}
#: Dialect -> the hour of `opened_at`, in UTC.
HOUR: Final = {
    "sqlite": "substr({row}opened_at, 1, 13)",
    "postgresql": "to_char(timezone('UTC', {row}opened_at), 'YYYY-MM-DD HH24')",
}


def counted(row: str, sign: str) -> str:
    """What a row of `issue_documents` that is open counts for, in the order of `FIGURES`."""
    stops = f"CASE WHEN {row}.stopped THEN {sign}1 ELSE 0 END"
    shares = f"CASE WHEN {row}.stopped AND {row}.shared THEN {sign}1 ELSE 0 END"
    uneven = f"CASE WHEN {row}.amount IS NULL AND {row}.currency IS NOT NULL THEN 1 ELSE 0 END"
    amount = f"coalesce({row}.amount, 0)"
    return (
        f"{sign}1, {stops}, {stops} * {amount}, {stops} * {uneven}, {shares}, {shares} * {amount}, {shares} * {uneven}"
    )


def _adding(row: str, sign: str, writer: str) -> str:
    """Add what a document counts for, or take it away again."""
    added = ", ".join(f"{name} = issue_sums.{name} + excluded.{name}" for name in FIGURES)
    return (
        f"INSERT INTO issue_sums (issue_id, currency, writer, {', '.join(FIGURES)})"
        f" SELECT {row}.issue_id, coalesce({row}.currency, ''), {writer}, {counted(row, sign)}"
        f" WHERE {row}.closed_at IS NULL ON CONFLICT (issue_id, currency, writer) DO UPDATE SET {added};"
    )


def _adding_hour(row: str, sign: str, writer: str, hour: str) -> str:
    return (
        f"INSERT INTO issue_hours (issue_id, hour, writer, documents)"
        f" SELECT {row}.issue_id, {hour.format(row=f'{row}.')}, {writer}, {sign}1 WHERE true"
        " ON CONFLICT (issue_id, hour, writer) DO UPDATE SET documents = issue_hours.documents + excluded.documents;"
    )


_OPENED_OR_CLOSED: Final = "(OLD.closed_at IS NULL) <> (NEW.closed_at IS NULL)"
_STOPS_OR_GOES: Final = f"(OLD.state {_STOPPED}) <> (NEW.state {_STOPPED})"
_OWN: Final = ("stopped", "shared", "currency", "amount")
_COUNTED: Final = ", ".join(("closed_at", *_OWN))


_STOP: Final = (
    f"UPDATE issue_documents SET stopped = NEW.state {_STOPPED} WHERE item_id = NEW.id AND closed_at IS NULL;"
)


def _changed(names: tuple[str, ...], differs: str) -> str:
    return " OR ".join(f"OLD.{name} {differs} NEW.{name}" for name in names)


def _follow(dialect: str, row: str) -> str:
    return f"UPDATE issue_documents SET {STANDING[dialect]} WHERE item_id = {row}.item_id AND closed_at IS NULL;"


def _sqlite() -> Iterator[str]:
    new, old = _follow("sqlite", "NEW"), _follow("sqlite", "OLD")
    documents, hour = "ON issue_documents", HOUR["sqlite"]
    yield from (
        f"CREATE TRIGGER {name} AFTER {when} BEGIN {what} END"
        for name, when, what in (
            ("issue_documents_come", f"INSERT {documents} WHEN NEW.closed_at IS NULL", new),
            (
                "issue_documents_turn",
                f"UPDATE OF closed_at {documents} WHEN {_OPENED_OR_CLOSED}",
                new,
            ),
            ("issue_documents_go", f"DELETE {documents} WHEN OLD.closed_at IS NULL", old),
            (
                "work_items_stop",
                f"UPDATE OF state ON work_items WHEN {_STOPS_OR_GOES}",
                _STOP,
            ),
            ("orders_come", "INSERT ON orders", new),
            (
                "orders_change",
                f"UPDATE OF currency, grand ON orders WHEN {_changed(('currency', 'grand'), 'IS NOT')}",
                new,
            ),
            ("orders_go", "DELETE ON orders", old),
            ("issue_sums_come", f"INSERT {documents}", _adding("NEW", "", "0")),
            (
                "issue_sums_change",
                f"UPDATE OF {_COUNTED} {documents} WHEN {_OPENED_OR_CLOSED} OR {_changed(_OWN, 'IS NOT')}",
                _adding("OLD", "-", "0") + _adding("NEW", "", "0"),
            ),
            ("issue_sums_go", f"DELETE {documents}", _adding("OLD", "-", "0")),
            ("issue_hours_come", f"INSERT {documents}", _adding_hour("NEW", "", "0", hour)),
            (
                "issue_hours_change",
                f"UPDATE OF opened_at {documents} WHEN {_changed(('opened_at',), 'IS NOT')}",
                _adding_hour("OLD", "-", "0", hour) + _adding_hour("NEW", "", "0", hour),
            ),
            ("issue_hours_go", f"DELETE {documents}", _adding_hour("OLD", "-", "0", hour)),
        )
    )


def _function(name: str, body: str) -> str:
    return f"{_CREATE} {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} RETURN NULL; END $$"


def _trigger(name: str, when: str, condition: str, function: str) -> str:
    when_true = f" WHEN ({condition})" if condition else ""
    return f"CREATE TRIGGER {name} AFTER {when} FOR EACH ROW{when_true} EXECUTE FUNCTION {function}()"


def _postgresql() -> Iterator[str]:
    writer, hour = "pg_backend_pid()", HOUR["postgresql"]
    hold = "PERFORM 1 FROM work_items WHERE id = {row}.item_id FOR NO KEY UPDATE; "
    new, old = (hold.format(row=row) + _follow("postgresql", row) for row in ("NEW", "OLD"))
    yield _function("crossdock_follow_new", new)
    yield _function("crossdock_follow_old", old)
    yield _function("crossdock_follow_state", _STOP)
    for name, adding in (
        ("crossdock_sum", [_adding("OLD", "-", writer), _adding("NEW", "", writer)]),
        ("crossdock_hour", [_adding_hour("OLD", "-", writer, hour), _adding_hour("NEW", "", writer, hour)]),
    ):
        before = f"IF TG_OP <> 'INSERT' THEN {adding[0]} END IF;"
        yield _function(name, f"{before} IF TG_OP <> 'DELETE' THEN {adding[1]} END IF;")
    documents, distinct = "ON issue_documents", "IS DISTINCT FROM"
    for each in (
        ("issue_documents_come", f"INSERT {documents}", "NEW.closed_at IS NULL", "crossdock_follow_new"),
        ("issue_documents_turn", f"UPDATE OF closed_at {documents}", _OPENED_OR_CLOSED, "crossdock_follow_new"),
        ("issue_documents_go", f"DELETE {documents}", "OLD.closed_at IS NULL", "crossdock_follow_old"),
        ("work_items_stop", "UPDATE OF state ON work_items", _STOPS_OR_GOES, "crossdock_follow_state"),
        ("orders_come", "INSERT ON orders", "", "crossdock_follow_new"),
        (
            "orders_change",
            "UPDATE OF currency, grand ON orders",
            _changed(("currency", "grand"), distinct),
            "crossdock_follow_new",
        ),
        ("orders_go", "DELETE ON orders", "", "crossdock_follow_old"),
        ("issue_sums_come", f"INSERT OR DELETE {documents}", "", "crossdock_sum"),
        (
            "issue_sums_change",
            f"UPDATE OF {_COUNTED} {documents}",
            f"{_OPENED_OR_CLOSED} OR {_changed(_OWN, distinct)}",
            "crossdock_sum",
        ),
        ("issue_hours_come", f"INSERT OR DELETE {documents}", "", "crossdock_hour"),
        (
            "issue_hours_change",
            f"UPDATE OF opened_at {documents}",
            _changed(("opened_at",), distinct),
            "crossdock_hour",
        ),
    ):
        yield _trigger(*each)


#: Dialect -> what makes them, a statement each.
TRIGGERS: Final = {"sqlite": tuple(_sqlite()), "postgresql": tuple(_postgresql())}
#: PostgreSQL's functions, which do not go with the tables.
FUNCTIONS: Final = tuple(
    each.removeprefix(_CREATE).partition("(")[0].strip() for each in TRIGGERS["postgresql"] if each.startswith(_CREATE)
)
