"""The fields of an order that people correct in a form, and what was typed there as a document."""

from __future__ import annotations

import copy
import dataclasses
import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final, NoReturn

from mappings.base import JsonDict
from mappings.canonical.errors import Problem
from sync.desk.corrections import Draft, Mistakes
from sync.desk.phrases import Phrase, quote, say
from sync.rules.corrections import Basis, get_field, set_field

_PERSON: Final = {
    "first_name": say("First name"),
    "last_name": say("Last name"),
    "company": say("Company"),
    "email": say("E-mail"),
    "phone": say("Phone"),
}
_PLACE: Final = {
    "street": say("Street"),
    "street_2": say("Street, second line"),
    "postal_code": say("Postal code"),
    "city": say("City"),
    "region": say("Region"),
    "country": say("Country, two letters"),
}
_OBJECTS: Final[Mapping[str, tuple[Phrase, Mapping[str, Phrase]]]] = {
    "customer": (say("Customer"), {**_PERSON, "vat_id": say("VAT number")}),
    "billing": (say("Invoice address"), {**_PERSON, **_PLACE}),
    "shipping": (say("Delivery address"), {**_PERSON, **_PLACE}),
}
_LISTS: Final[Mapping[str, Mapping[str, Phrase]]] = {
    "lines": {"sku": say("SKU"), "name": say("Name")},
    "shipping_lines": {"code": say("Shipping method"), "title": say("Its title")},
}
_ORDER: Final = {
    "payment_method": say("Payment method"),
    "payment_terms": say("Payment terms"),
    "po_number": say("The customer's order number"),
    "note": say("Note"),
}
#: What a form does not show: text of this length is edited as JSON.
_LONGEST: Final = 5_000


@dataclasses.dataclass(frozen=True, slots=True)
class FormField:
    """One field of the form."""

    #: `lines[0].sku`.
    path: str
    label: Phrase
    value: str

    @property
    def long(self) -> bool:
        """Whether it has, or may have, several lines."""
        return self.path == "note" or "\n" in self.value


@dataclasses.dataclass(frozen=True, slots=True)
class Group:
    """Fields that stand together."""

    heading: Phrase
    fields: tuple[FormField, ...]


def form_of(draft: Draft, document: JsonDict) -> list[Group]:
    """What the form shows of a document; of the shop's own document the fields that cannot be read."""
    if draft.basis is Basis.SOURCE:
        named = dict.fromkeys(problem.path for problem in draft.problems if problem.path)
        fields = [
            FormField(path, quote(path), value) for path in named if (value := _shown(document, path)) is not None
        ]
        return [Group(say("What cannot be read"), tuple(fields))] if fields else []
    return list(_groups(document))


def _groups(document: JsonDict) -> Iterator[Group]:
    for name, (heading, labels) in _OBJECTS.items():
        yield _group(heading, document, {f"{name}.{field}": label for field, label in labels.items()})
    for name, labels in _LISTS.items():
        for index, record in enumerate(document[name]):
            title = str(record.get("name") or record.get("title") or record["external_id"])
            heading = say("Line: %(name)s", name=title) if name == "lines" else say("Shipping: %(name)s", name=title)
            yield _group(heading, document, {f"{name}[{index}].{field}": label for field, label in labels.items()})
    yield _group(say("The order"), document, _ORDER)


def _group(heading: Phrase, document: JsonDict, labels: Mapping[str, Phrase]) -> Group:
    shown = ((path, label, _shown(document, path)) for path, label in labels.items())
    return Group(heading, tuple(FormField(path, label, value) for path, label, value in shown if value is not None))


def _shown(document: JsonDict, path: str) -> str | None:
    """None for what no form can show."""
    try:
        value = get_field(document, path)
    except LookupError:
        value = None
    if isinstance(value, dict | list) or len(str(value)) > _LONGEST:
        return None
    return "" if value is None else value if isinstance(value, str) else json.dumps(value, default=str)


def filled_in(draft: Draft, document: JsonDict, typed: Mapping[str, str]) -> JsonDict:
    """The document with what was typed into its form (path -> text). Raises Mistakes."""
    made, wrong = copy.deepcopy(document), []
    for field in (field for group in form_of(draft, document) for field in group.fields):
        text = typed.get(field.path)
        if text is None or _plain(text) == _plain(field.value):
            continue
        try:
            set_field(made, field.path, _meant(document, field.path, _plain(text)))
        except LookupError:
            wrong.append(Problem("mapping", field.path, say("there is no such field any more")))
    if wrong:
        raise Mistakes(wrong)
    return made


def _plain(text: str) -> str:
    """As a browser sends it, or as it stood: lines end alike."""
    return text.replace("\r\n", "\n")


def _meant(document: JsonDict, path: str, text: str) -> Any:
    """What was a number stays one where it can."""
    try:
        before = get_field(document, path)
    except LookupError:
        return text
    if isinstance(before, str) or before is None:
        return text
    try:
        return read_json(text)
    except ValueError:
        return text


def with_fields(document: JsonDict, fields: Mapping[str, Any]) -> JsonDict:
    """The document with values at places such as `lines[0].sku`. Raises Mistakes."""
    made, wrong = copy.deepcopy(document), []
    for path, value in fields.items():
        try:
            set_field(made, path, value)
        except LookupError:
            wrong.append(Problem("mapping", path, say("there is no such field; write it like lines[0].sku")))
    if wrong:
        raise Mistakes(wrong)
    return made


def read_json(text: str) -> Any:
    """A document as somebody has written it, numbers digit for digit. Raises ValueError."""
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=_no_number)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number")
