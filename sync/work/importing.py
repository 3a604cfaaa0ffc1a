"""Files of orders that come by a page: kept, looked at, and taken when somebody has seen what that does.

Between two requests a file stands in the database, and whoever takes it names what they were shown: a page without
JavaScript cannot carry 10 MB, and the next request may meet another process.
"""

from __future__ import annotations

import datetime as dt
import io
import secrets
import threading
from collections.abc import Collection, Mapping
from typing import Any, Final

from sqlalchemy import Connection

from connectors.csvfiles import CsvFiles, FileRefused
from connectors.kit.errors import ConnectorError
from connectors.registry import class_of, has
from mappings.profiles import ProfileError
from sync.desk.phrases import Refusal, say
from sync.flows.files import Checked, NotWhole, check_file, take_file
from sync.rules.systems import SystemMissing, Systems
from sync.store.audit import Actor
from sync.store.bodies import pack, unpack
from sync.store.engine import Store
from sync.store.imports import (
    READING,
    READY,
    REFUSED,
    Import,
    add_import,
    begin_taking,
    drop_imports,
    end_taking,
    give_up_taking,
    load_import,
    load_import_body,
    note_import,
)
from sync.store.inbox import ItemKey

#: What a page takes. Larger files go by the terminal: mapping them takes longer than a browser waits.
MAX_PAGE_BYTES: Final = 10 * 1024 * 1024
#: Problems that are kept with a file; more are a mistake in the profile, which the first of them show.
_KEPT: Final = 5_000
_MAX_NAME: Final = 200
KEPT_FOR: Final = dt.timedelta(days=7)
#: A file is held in memory while it is looked at.
_ONE_AT_A_TIME: Final = threading.Lock()


class NotTaken(Refusal):
    """Nothing of a file was taken."""


def forget_old_files(store: Store) -> int:
    """Files that nobody has wanted for a week; answers how many."""
    return store.write(lambda c: drop_imports(c, before=dt.datetime.now(dt.UTC) - KEPT_FOR))


def file_connections(systems: Systems) -> list[str]:
    """The connections that take files, and that a channel reads from."""
    return [
        name
        for name, connection in sorted(systems.config.connections.items())
        if has(class_of(connection.system), CsvFiles) and systems.config.channels_of_source(name)
    ]


def keep_file(
    store: Store, connection: str, name: str, body: bytes, *, encoding: str, delimiter: str, actor: Actor
) -> str:
    """Keep a file until it is looked at; its token."""
    token = secrets.token_hex(16)
    values: dict[str, object] = {
        "token": token,
        "connection": connection,
        "name": "".join(each for each in name if each.isprintable())[:_MAX_NAME],
        "body": pack(body),
        "size": len(body),
        "encoding": encoding,
        "delimiter": delimiter,
        "uploaded_by": actor.name,
    }
    store.write(lambda c: add_import(c, values))
    return token


def look_again(store: Store, token: str, *, encoding: str, delimiter: str) -> None:
    """Have a file looked at anew, as it is said to be read."""
    store.write(lambda c: note_import(c, token, state=READING, encoding=encoding, delimiter=delimiter, seen=""))


def look_at_file(store: Store, systems: Systems, token: str) -> None:
    """Find out what taking a file would do, and keep it with the file."""
    with _ONE_AT_A_TIME:
        try:
            checked = _checked(store, systems, token)
        except (FileRefused, ConnectorError, ProfileError, SystemMissing, NotTaken) as error:
            # It keeps the words that the error was raised with.
            refusal = str(error)
        else:
            store.write(
                lambda c: note_import(c, token, state=READY, refusal="", report=_report(checked), seen=checked.seen)
            )
            return
    store.write(lambda c: note_import(c, token, state=REFUSED, refusal=refusal, seen=""))


def take_kept_file(
    store: Store, systems: Systems, token: str, *, seen: str, only_good: bool, actor: Actor
) -> list[ItemKey]:
    """Take a file as its person was shown it; what is to be looked at now.

    Raises NotTaken where taking it would not do any more what was shown (it is shown anew then), where somebody was
    quicker, or where something of it is bad and only all of it is to be taken.
    """
    kept = store.read(lambda c: load_import(c, token))
    if kept is None or not store.write(lambda c: begin_taking(c, token, seen, actor.name)):
        raise NotTaken(say("what is shown of this file is not what is known of it any more; look at it again"))
    try:
        with _ONE_AT_A_TIME:
            return _take(store, systems, kept, only_good=only_good, actor=actor)
    except BaseException:
        store.write(lambda c: give_up_taking(c, token, seen))
        raise


def _take(store: Store, systems: Systems, kept: Import, *, only_good: bool, actor: Actor) -> list[ItemKey]:
    before = (kept.report["made_by"], kept.report["left_out"])
    checked = _checked(store, systems, kept.token, before)
    if checked.seen != kept.seen:
        # Once more, with all that is wrong in words.
        anew = _checked(store, systems, kept.token)
        store.write(lambda c: note_import(c, kept.token, state=READY, report=_report(anew), seen=anew.seen))
        raise NotTaken(say("something has changed since you looked at this file; look at what it would do now"))

    def finish(connection: Connection) -> None:
        if not end_taking(connection, kept.token, kept.seen):
            raise NotTaken(say("somebody has just looked at this file anew"))

    try:
        return take_file(store, systems, checked, name=kept.name, only_good=only_good, actor=actor, also=finish)
    except NotWhole:
        raise NotTaken(say("something of it is bad; correct the file, or take the good orders alone")) from None


def _checked(store: Store, systems: Systems, token: str, before: tuple[str, Collection[str]] = ("", ())) -> Checked:
    """Raises FileRefused, ConnectorError, ProfileError, SystemMissing, NotTaken."""
    kept = store.read(lambda c: load_import(c, token))
    body = store.read(lambda c: load_import_body(c, token))
    if kept is None or body is None:
        raise NotTaken(say("this file is not kept any more"))
    connector: CsvFiles = systems.connector(kept.connection)
    sheet = connector.read(io.BytesIO(unpack(body)), encoding=kept.encoding, delimiter=kept.delimiter)
    return check_file(store, systems, kept.connection, sheet, before=before)


def _report(checked: Checked) -> Mapping[str, Any]:
    """What a page shows of it, as JSON."""
    sheet = checked.sheet
    return {
        "encoding": sheet.encoding,
        "delimiter": sheet.delimiter,
        "columns": len(sheet.columns),
        "rows": sheet.rows,
        "sha256": sheet.sha256,
        **{name: getattr(checked, name) for name in ("orders", "new", "changed", "same", "waiting", "broken")},
        "sums": {currency: format(amount, "f") for currency, amount in sorted(checked.sums.items())},
        "made_by": checked.made_by,
        "left_out": sorted(checked.left_out),
        "bad_count": len(checked.bad),
        "bad": [[each.line, each.order, each.column, each.problem, each.next_step] for each in checked.bad[:_KEPT]],
        "first": [
            {
                "number": order.number,
                "placed_at": order.placed_at.isoformat(),
                "customer": order.customer.email or order.billing.email,
                "lines": len(order.lines),
                "total": str(order.totals.grand.amount),
                "currency": order.currency,
            }
            for order in checked.first
        ],
    }
