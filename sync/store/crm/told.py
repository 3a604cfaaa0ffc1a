"""What the accounts of a CRM show as far as we know: what we last wrote, and when."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, delete, func, select

from sync.store.lists import in_lists
from sync.store.tables import told_accounts
from sync.store.types import db_now
from sync.store.upsert import replace_rows


@dataclasses.dataclass(frozen=True, slots=True)
class Told:
    """One account; `digest` is empty from before a write until its end is known, and then it is written again."""

    account_id: str
    digest: str
    #: As last written: `orders`, `value`, `currency`, `last_number`, `last_on`, `open` where the ERP says.
    figures: Mapping[str, Any]
    told_at: dt.datetime | None


def load_told(connection: Connection, crm: str, accounts: Iterable[str]) -> dict[str, Told]:
    """Account -> what it was told last; absent where it never was."""
    table, found = told_accounts.c, {}
    for some in in_lists(sorted(set(accounts))):
        query = select(table.account_id, table.digest, table.figures, table.told_at).where(
            table.connection == crm, table.account_id.in_(some)
        )
        for row in connection.execute(query):
            found[row.account_id] = Told(row.account_id, row.digest, json.loads(row.figures), row.told_at)
    return found


def announce(connection: Connection, crm: str, accounts: Sequence[str]) -> None:
    """About to be written; committed before the call, so that whoever dies in it leaves nothing to be believed."""
    replace_rows(
        connection,
        told_accounts,
        [{"connection": crm, "account_id": account, "digest": ""} for account in sorted(accounts)],
        ("connection", "account_id"),
    )


def save_told(connection: Connection, crm: str, told: Mapping[str, tuple[str, Mapping[str, Any]]]) -> None:
    """Account -> (digest of what was written, the figures): written, and it stands."""
    now = connection.execute(select(db_now())).scalar_one()
    replace_rows(
        connection,
        told_accounts,
        [
            {
                "connection": crm,
                "account_id": account,
                "digest": digest,
                "figures": json.dumps(figures, sort_keys=True),
                "told_at": now,
            }
            for account, (digest, figures) in sorted(told.items())
        ],
        ("connection", "account_id"),
    )


def forget_told(connection: Connection, crm: str, accounts: Sequence[str]) -> None:
    """These accounts are gone in the CRM."""
    table = told_accounts.c
    for some in in_lists(list(accounts)):
        connection.execute(delete(told_accounts).where(table.connection == crm, table.account_id.in_(some)))


def last_told(connection: Connection, crm: str) -> tuple[int, dt.datetime | None]:
    """(accounts of a CRM that were told, when the last of them was)."""
    table = told_accounts.c
    row = connection.execute(
        select(func.count(table.told_at), func.max(table.told_at)).where(table.connection == crm)
    ).one()
    return int(row[0]), row[1]
