"""Names, e-mails, phones and streets in a payload, each replaced by one that is always the same; nothing else changes.

A payload has any shape, so what is personal is found in three ways: by what the order that was read of it says, by what
the payload calls it, and e-mail addresses by their form.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterator
from typing import Any, Final

from mappings.canonical.records import Order

#: Field of our records -> what it is.
_FIELDS: Final = {
    "first_name": "name",
    "last_name": "name",
    "company": "name",
    "email": "email",
    "phone": "phone",
    "street": "street",
    "street_2": "street",
}
#: What payloads call it, in lower case without anything but letters.
_CALLED: Final = {
    **dict.fromkeys(("firstname", "lastname", "fullname", "customername", "surname", "company", "displayname"), "name"),
    **dict.fromkeys(("email", "emailaddress", "mail"), "email"),
    **dict.fromkeys(("phone", "phonenumber", "mobile", "telephone", "fax"), "phone"),
    **dict.fromkeys(("address", "address1", "address2", "street", "street2", "addressline1", "addressline2"), "street"),
}
_EMAIL: Final = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_PLAIN: Final = re.compile(r"[^a-z0-9]")
#: A shorter text means something else in most places where it stands.
_SHORTEST: Final = 3


class Pseudonyms:
    """Those of one export: the same person is the same everywhere in it, and nobody can be found by trying names."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(16)

    def of(self, kind: str, value: str) -> str:
        """The pseudonym of one value; upper and lower case are one, an empty one stays."""
        if not value.strip():
            return value
        mark = hashlib.blake2b(value.strip().casefold().encode("utf-8", "replace"), key=self._key, digest_size=5)
        name = mark.hexdigest()
        if kind == "email":
            return f"{name}@example.invalid"
        if kind == "phone":
            return f"+000 {int(name, 16) % 10**9:09d}"
        return f"{kind}-{name}"

    def mask(self, payload: dict[str, Any], order: Order | None) -> dict[str, Any]:
        """A copy of a payload without them; `order` is what was read of it, None where it cannot be read."""
        known = dict(_personal(order)) if order is not None else {}
        masked: dict[str, Any] = self._masked(payload, "", known)
        return masked

    def _masked(self, value: Any, key: str, known: dict[str, str]) -> Any:
        if isinstance(value, dict):
            return {name: self._masked(each, name, known) for name, each in value.items()}
        if isinstance(value, list):
            return [self._masked(each, key, known) for each in value]
        called = _CALLED.get(_PLAIN.sub("", key.casefold()))
        if called is not None and isinstance(value, str | int) and not isinstance(value, bool):
            return self.of(called, str(value))
        return self._text(value, known) if isinstance(value, str) else value

    def _text(self, text: str, known: dict[str, str]) -> str:
        text = _EMAIL.sub(lambda found: self.of("email", found.group()), text)
        for part, what in known.items():
            if part in text.casefold():
                whole = rf"(?<!\w){re.escape(part)}(?!\w)"
                text = re.sub(whole, self.of(what, part), text, flags=re.IGNORECASE)
        return text


def _personal(order: Order) -> Iterator[tuple[str, str]]:
    """(value in lower case, what it is), longer ones first: a part of one is replaced with the whole."""
    found = {
        value.strip().casefold(): kind
        for record in (order.customer, order.billing, order.shipping)
        for name, kind in _FIELDS.items()
        if len((value := getattr(record, name, "")).strip()) >= _SHORTEST
    }
    yield from sorted(found.items(), key=lambda pair: -len(pair[0]))
