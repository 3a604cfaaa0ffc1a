"""The match ladder of parties: by what a customer is the same customer again, the same words for every target."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from mappings.canonical.parts import whole_id
from mappings.canonical.records import Order, Payment

_NOT_IN_VAT_ID = re.compile(r"[^0-9A-Z]")
_WORD: Final = re.compile(r"[^\W_]+")
#: What companies are, not what they are called; people leave it out.
_LEGAL_FORMS: Final = frozenset(
    {
        *("ab", "ag", "as", "bv", "co", "company", "corp", "corporation", "eg", "ek", "eu", "gbr", "gesmbh", "gmbh"),
        *("inc", "incorporated", "kg", "kgaa", "limited", "llc", "llp", "ltd", "mbh", "nv", "ohg", "og", "oy", "plc"),
        *("pty", "pvt", "sa", "sarl", "sas", "se", "sl", "spa", "srl", "ug", "und", "and"),
    }
)
#: Letters that are no other letter with an accent.
_LETTERS: Final = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "æ": "ae", "œ": "oe"})
#: The same at the end of a Chinese name, which has no spaces.
_LEGAL_ENDS: Final = ("股份有限公司", "有限责任公司", "有限公司", "公司")
#: Of a company's name in a key.
_LONGEST_NAME: Final = 64


def party_key(order: Order, channel: str, *, trust_email: bool = False) -> str:
    """The match key of the order's customer: `vat:`, `email:`, `customer:`, or `order:` for one we cannot know again.

    A VAT id names a company wherever it buys and an e-mail address a person; the shop's own customer number means
    something in that shop only, so the channel is part of it. One mailbox may serve two companies: where the order
    names one, it is part of the key (`email:ann@shop.example#muller`), unless `trust_email`.
    """
    customer = order.customer
    if vat_id := _NOT_IN_VAT_ID.sub("", customer.vat_id.upper()):
        return f"vat:{vat_id}"
    if email := (customer.email or order.billing.email).strip().lower():
        company = "" if trust_email else folded_name(customer.company or order.billing.company)
        return f"email:{email}#{company[:_LONGEST_NAME]}" if company else f"email:{email}"
    if customer.external_id:
        return f"customer:{channel}:{customer.external_id}"
    # The parts of an order that was split have one customer.
    return f"order:{channel}:{whole_id(order.external_id)}"


def folded_name(name: str) -> str:
    """A name as it is compared: small letters and digits, without accents, signs and the legal form of a company."""
    letters = unicodedata.normalize("NFKD", name).casefold()
    text = "".join(letter for letter in letters if not unicodedata.combining(letter)).translate(_LETTERS)
    words = _WORD.findall(text.replace(".", ""))
    while len(words) > 1 and words[-1] in _LEGAL_FORMS:
        words.pop()
    folded = " ".join(words)
    end = next((each for each in _LEGAL_ENDS if folded.endswith(each)), "")
    return folded.removesuffix(end) or folded


def alike(one: str, other: str) -> bool:
    """Whether two names may be written for the same: they are equal, or one says more behind it."""
    short, long = sorted((folded_name(one), folded_name(other)), key=len)
    return short == long or (bool(short) and long.startswith(f"{short} "))


def payment_name(order: Order, payment: Payment) -> str:
    """By what one payment of an order is the same payment again: its transaction id, else its place in the order.

    Two payments of one transaction, as some gateways report instalments, are kept apart by their place too. The place
    is found by identity first: two payments of one amount without a transaction id are equal records.
    """
    payments = order.payments
    place = next((index for index, each in enumerate(payments, start=1) if each is payment), 0)
    if not place:
        place = payments.index(payment) + 1 if payment in payments else len(payments) + 1
    twins = sum(each.reference == payment.reference for each in payments)
    return payment.reference if payment.reference and twins <= 1 else f"{payment.reference}#{place}"
