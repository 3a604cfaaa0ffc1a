# ruff: noqa: INP001 - beside the script that uses it, no package
"""An export of a shop that nobody has heard of, and the mapping profile that is written for it in the walk-through."""

from __future__ import annotations

import csv
import datetime as dt
import io
import random
import zoneinfo
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

#: As a spreadsheet of this country saves it.
ENCODING: Final = "cp1252"
_ZONE: Final = zoneinfo.ZoneInfo("Europe/Berlin")
_CENT: Final = Decimal("0.01")
#: SKU, name, net price, VAT in percent: articles that the sandbox catalogue has.
_ARTICLES: Final = (
    ("TASSE-ROT", "Cup, red", Decimal("10.08"), 19),
    ("TASSE-BLAU", "Cup, blue", Decimal("10.08"), 19),
    ("KANNE-GLAS", "Glass pot", Decimal("25.17"), 19),
    ("SIEB-ST", "Strainer", Decimal("2.80"), 19),
    ("TEE-ASSAM-100", "Assam 100 g", Decimal("7.00"), 7),
    ("BUCH-TEE", "The book of tea", Decimal("16.82"), 7),
)
_POST: Final = ("POST", "Parcel", Decimal("4.90"), 19)
_PEOPLE: Final = ("Jörg Äpfel", "Renée Dupont", "Anna Kowalska", "Søren Holm", "Zoë Müller", "Ida Bergström")
_TOWNS: Final = (("10115", "Berlin"), ("80331", "München"), ("50667", "Köln"), ("20095", "Hamburg"))
_COLUMNS: Final = (
    *("Order no", "Date", "Status", "E-mail", "Name", "Street", "Postcode", "Town", "Country"),
    *("SKU", "Article", "Pieces", "Net", "VAT %", "VAT", "VAT of all", "Total"),
)


def export(orders: int, *, first: int = 1) -> bytes:
    """The file: one row for each position, in no order that means anything; placed within the last day."""
    dice = random.Random(7)  # noqa: S311 - repeatable, not secret
    now = dt.datetime.now(_ZONE) - dt.timedelta(hours=1)
    rows: list[list[str]] = []
    for number in range(first, first + orders):
        placed = now - dt.timedelta(minutes=dice.randint(0, 20 * 60))
        rows += _order(dice, f"F-{1000 + number}", placed, number)
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";")
    writer.writerow(_COLUMNS)
    writer.writerows(rows)
    return text.getvalue().encode(ENCODING)


def _order(dice: random.Random, number: str, placed: dt.datetime, buyer: int) -> list[list[str]]:
    name = dice.choice(_PEOPLE)
    postcode, town = dice.choice(_TOWNS)
    head = [number, f"{placed:%d.%m.%Y %H:%M}", "paid", f"buyer{buyer}@example.com", name, f"Dorfstraße {buyer}"]
    bought = [(article, dice.randint(1, 3)) for article in dice.sample(_ARTICLES, dice.randint(1, 3))]
    positions = [(article, pieces, article[2] * pieces) for article, pieces in [*bought, (_POST, 1)]]
    taxes = [(net * article[3] / 100).quantize(_CENT, ROUND_HALF_UP) for article, _, net in positions]
    total = sum((net for _, _, net in positions), Decimal(0)) + sum(taxes, Decimal(0))
    sums = [_shown(sum(taxes, Decimal(0))), _shown(total)]
    where = [postcode, town, "DE"]
    return [
        [*head, *where, sku, called, f"{pieces}", _shown(net), f"{percent}", _shown(tax), *sums]
        for ((sku, called, _, percent), pieces, net), tax in zip(positions, taxes, strict=True)
    ]


def _shown(amount: Decimal) -> str:
    return f"{amount:,.2f}".translate(str.maketrans(",.", ".,"))


#: The parts in which it is written, each a whole more than the one before.
HEAD: Final = """\
profile: farm-shop
extends: none
source:
"""
ORDER: Final = """\
  order:
    - {to: number, copy: 'source.rows[0]."Order no"'}
    - {to: external_id, copy: 'source.rows[0]."Order no"'}
    - to: placed_at
      copy: source.rows[0].Date
      then: [{date: {format: "%d.%m.%Y %H:%M", zone: Europe/Berlin}}]
    - {to: currency, constant: EUR}
    - to: state
      copy: source.rows[0].Status
      then: [{choose: {of: {paid: processing, void: cancelled}}}]
    - {to: payment_state, constant: paid}
    - {to: tax_included, constant: "no"}
    - to: totals.tax
      copy: 'source.rows[0]."VAT of all"'
      then: [{amount: {decimal: ",", thousands: "."}}]
    - to: totals.grand
      copy: source.rows[0].Total
      then: [{amount: {decimal: ",", thousands: "."}}]
    - {to: customer.email, copy: 'source.rows[0]."E-mail"'}
    - {to: customer.last_name, copy: 'source.rows[0].Name'}
"""
PEOPLE: Final = """\
  billing: &address
    from: source.rows[0]
    rules:
      - {to: last_name, copy: item.Name}
      - {to: street, copy: item.Street}
      - {to: postal_code, copy: item.Postcode}
      - {to: city, copy: item.Town}
      - {to: country, copy: item.Country}
      - {to: email, copy: 'item."E-mail"'}
  shipping: *address
"""
LINES: Final = """\
  lines:
    each: source.rows
    where: item.SKU != 'POST'
    rules:
      - {to: sku, copy: item.SKU}
      - {to: name, copy: item.Article}
      - {to: quantity, copy: item.Pieces, then: [{number: {decimal: ","}}]}
      - {to: total, copy: item.Net, then: [{amount: {decimal: ",", thousands: "."}}]}
      - {to: tax, copy: item.VAT, then: [{amount: {decimal: ",", thousands: "."}}]}
      - to: tax_lines
        map: &vat
          each: "[item]"
          rules:
            - {to: code, copy: 'item."VAT %"'}
            - {to: title, concatenate: ["'VAT'", 'item."VAT %"']}
            - {to: rate, copy: 'item."VAT %"', then: [{number: {decimal: ","}}]}
            - {to: amount, copy: item.VAT, then: [{amount: {decimal: ",", thousands: "."}}]}
  shipping_lines:
    each: source.rows
    where: item.SKU == 'POST'
    rules:
      - {to: code, constant: parcel}
      - {to: title, copy: item.Article}
      - {to: total, copy: item.Net, then: [{amount: {decimal: ",", thousands: "."}}]}
      - {to: tax, copy: item.VAT, then: [{amount: {decimal: ",", thousands: "."}}]}
      - {to: tax_lines, map: *vat}
"""
PROFILE: Final = HEAD + ORDER + PEOPLE + LINES
