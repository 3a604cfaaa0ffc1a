"""The verdict over a sandbox ERP's ledger: what really happened, whatever the callers were told.

It reads the file alone and shares no code with the ERP's books, so a defect there cannot hide itself here.
"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path

from connectors.sandbox.ledger import Entry, read_ledger


@dataclasses.dataclass(slots=True)
class _Life:
    """One sale as its entries tell it."""

    external_id: str
    key: str
    total: str
    confirmed: int = 0
    cancelled: bool = False
    deleted: bool = False

    @property
    def stands(self) -> bool:
        return not (self.cancelled or self.deleted)


def check_ledger(path: Path, expected: Mapping[str, Decimal]) -> list[str]:
    """Everything that is wrong, in plain words; empty when every expected key stands exactly once, with its total.

    `expected` is key -> grand total as the ERP must show it. Standing means confirmed once, not cancelled, not
    deleted. Also wrong: a standing sale that nobody expected, a sale or a key that was confirmed more than once (also
    when one of them was cancelled afterwards: its invoice was made), and a party that was created twice. Drafts that
    were deleted again are traces of a race that was won and are no fault.
    """
    entries = list(read_ledger(path))
    sales = _lives(entries)
    by_key: dict[str, list[_Life]] = collections.defaultdict(list)
    for sale in sales:
        by_key[sale.key].append(sale)
    faults: list[str] = []
    for key, total in expected.items():
        faults.extend(_faults_of(key, total, by_key.get(key, [])))
    faults.extend(
        f"{sale.key or 'no key'}: sale {sale.external_id} is foreign"
        for sale in sales
        if sale.stands and sale.key not in expected
    )
    faults.extend(_doubled_effects(sales, by_key))
    faults.extend(_doubled_parties(entries))
    return faults


def standing_totals(path: Path) -> dict[str, list[Decimal]]:
    """Key -> grand total of each sale that stands under it."""
    found: dict[str, list[Decimal]] = collections.defaultdict(list)
    for sale in _lives(read_ledger(path)):
        if sale.stands:
            found[sale.key].append(Decimal(sale.total))
    return dict(found)


def _lives(entries: Iterable[Entry]) -> list[_Life]:
    sales: dict[str, _Life] = {}
    for entry in entries:
        match entry.kind:
            case "sale.create":
                sales[entry.external_id] = _Life(entry.external_id, entry.key, entry.total)
            case "sale.change":
                sales[entry.external_id].total = entry.total
            case "sale.confirm":
                sales[entry.external_id].confirmed += 1
            case "sale.cancel":
                sales[entry.external_id].cancelled = True
            case "sale.delete":
                sales[entry.external_id].deleted = True
    return list(sales.values())


def _faults_of(key: str, total: Decimal, sales: list[_Life]) -> list[str]:
    standing = [sale for sale in sales if sale.stands]
    if not standing:
        return [f"{key}: missing"]
    if len(standing) > 1:
        return [f"{key}: doubled, sales {', '.join(sale.external_id for sale in standing)}"]
    sale = standing[0]
    faults = []
    if not sale.confirmed:
        faults.append(f"{key}: sale {sale.external_id} is not confirmed")
    if Decimal(sale.total) != total:
        faults.append(f"{key}: sale {sale.external_id} has the total {sale.total}, not {total}")
    return faults


def _doubled_effects(sales: list[_Life], by_key: Mapping[str, list[_Life]]) -> list[str]:
    faults = [
        f"{sale.key}: sale {sale.external_id} was confirmed {sale.confirmed} times"
        for sale in sales
        if sale.confirmed > 1
    ]
    for key, same in by_key.items():
        confirmed = [sale.external_id for sale in same if sale.confirmed]
        if key and len(confirmed) > 1:
            faults.append(f"{key}: confirmed as sales {', '.join(confirmed)}")
    return faults


def _doubled_parties(entries: Iterable[Entry]) -> list[str]:
    made = collections.Counter(entry.key for entry in entries if entry.kind == "party.create" and entry.key)
    return [f"party {code} was created {count} times" for code, count in made.items() if count > 1]
