"""One shape in two spellings: an order is written in camelCase over GraphQL, in snake_case over REST and in webhooks.

Each field has one name here, its REST name; `named` says where the other spelling is more than another case. A
connection (`{nodes: [...]}`) is read as the list that it holds, and refused where it says that there is more: part of
an order is no order. Amounts come as bags of shop money and presentment money; both are kept, in the decimals of their
currency at least, because GraphQL writes "10.0" where REST writes "10.00".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, NamedTuple

from marshmallow import EXCLUDE, Schema, ValidationError, fields

from mappings.canonical.currencies import minor_unit
from mappings.canonical.fields import Amount, CurrencyCode, Id, Nested, Number, Strict, Text, plain_number, refused
from mappings.canonical.money import Money
from mappings.canonical.words import say

REST: Final = "rest"
GRAPHQL: Final = "graphql"

_GID: Final = re.compile(r"gid://shopify/\w+/([0-9A-Za-z_-]+)(?:\?.*)?")
_LETTER: Final = re.compile(r"_([a-z0-9])")
_AMOUNT: Final = Amount(numbers=True)
_CURRENCY: Final = CurrencyCode()


class Bag(NamedTuple):
    """An amount in the shop's currency and in the one that the customer saw."""

    shop: Money
    presentment: Money


class Shape(Schema):
    """An object in one of the two spellings."""

    class Meta:  # noqa: D106 - the library's own
        unknown = EXCLUDE

    error_messages = {"type": "found something else, expected an object"}  # noqa: RUF012 - the library's own

    def __init__(self, *, style: str, many: bool = False) -> None:
        self.style = style
        super().__init__(many=many)

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        """Where the field stands in this spelling."""
        other = camel(field_name) if self.style == GRAPHQL else field_name
        field_obj.data_key = field_obj.metadata.get(self.style, other) or f" {field_name}"


def camel(name: str) -> str:
    """`current_total_price_set` -> `currentTotalPriceSet`."""
    return _LETTER.sub(lambda letter: letter[1].upper(), name)


def named(graphql: str | None = None, rest: str | None = None) -> dict[str, str]:
    """The metadata of a field whose spellings differ by more than their case; empty where there is none."""
    return {style: name for style, name in ((GRAPHQL, graphql), (REST, rest)) if name is not None}


#: Only REST has it.
IN_REST: Final = named(graphql="")
#: Only REST has it, beside `id`: the same without a number that can be rounded on its way.
GID: Final = named("", "admin_graphql_api_id")


class Part(Nested):
    """An object, a list of them, or a connection of them, in the spelling of what it stands in."""

    @property
    def schema(self) -> Schema:
        """Made once, in the parent's spelling."""
        if self._schema is None:
            parent, shape = self.parent, self.nested
            assert isinstance(parent, Shape)
            assert isinstance(shape, type)
            self._schema = shape(style=parent.style, many=self.many)
        assert self._schema is not None
        return self._schema

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        name = next(
            (name for name in ("nodes", "edges") if self.many and isinstance(value, dict) and name in value), ""
        )
        if not name:
            return super()._deserialize(value, *args, **kwargs)
        page = value.get("pageInfo")
        if isinstance(page, dict) and page.get("hasNextPage") is True:
            reason = say("found only the first of them, expected all")
            raise ValidationError({"pageInfo": [reason]})
        rows = value[name]
        if name == "edges" and isinstance(rows, list):
            rows = [row.get("node") if isinstance(row, dict) else row for row in rows]
        try:
            return super()._deserialize(rows, *args, **kwargs)
        except ValidationError as error:
            raise ValidationError({name: error.messages}, valid_data=error.valid_data) from None


class Gid(Id):
    """An id: the number at the end of `gid://shopify/Order/123`, or a whole number that every JSON reader keeps."""

    def read(self, value: object) -> str:
        """The id as text of digits."""
        if isinstance(value, str) and (found := _GID.fullmatch(value)):
            return found[1]
        if isinstance(value, dict) and "id" in value:
            return self.read(value["id"])
        return super().read(value)


class Loose(Text):
    """A text that may be null or missing."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(numbers=True, null_is_empty=True, load_default="", **kwargs)


class Word(Loose):
    """One of the vendor's words, in small letters: GraphQL writes them in capitals."""

    def read(self, value: object) -> str:
        """The word in small letters."""
        return super().read(value).lower()


class MoneyBag(Strict[Bag]):
    """`{shopMoney, presentmentMoney}` in either spelling. Without a presentment money there is only one currency."""

    def read(self, value: object) -> Bag:
        """Both amounts."""
        if not isinstance(value, dict):
            raise refused(value, say("an object with shop money and presentment money"))
        shop = _money(value.get("shopMoney", value.get("shop_money")))
        told = value.get("presentmentMoney", value.get("presentment_money"))
        return Bag(shop, shop if told is None else _money(told))


class OneMoney(Strict[Money]):
    """`{amount, currencyCode}` alone."""

    def read(self, value: object) -> Money:
        """The amount."""
        return _money(value)


class Percent(Strict[Decimal]):
    """A tax rate as a fraction (0.19), as percent."""

    _number = Number()

    def read(self, value: object) -> Decimal:
        """Percent without trailing zeros."""
        return plain_number(self._number.read(value) * 100)


class Tags(Strict[tuple[str, ...]]):
    """A list of texts, or one text with commas."""

    def read(self, value: object) -> tuple[str, ...]:
        """Each tag once, in the order in which it is written."""
        found = value.split(",") if isinstance(value, str) else value
        if not isinstance(found, list) or not all(isinstance(tag, str) for tag in found):
            raise refused(value, say("a list of texts"))
        return tuple(dict.fromkeys(tag.strip() for tag in found if tag.strip()))


class Pairs(Strict[dict[str, str]]):
    """What a customer filled in: `[{name, value}]`, over GraphQL `[{key, value}]`; the first of a name wins."""

    _text = Text(max_length=1000, numbers=True, null_is_empty=True)

    def read(self, value: object) -> dict[str, str]:
        """Name -> value, without what cannot be stored or is too long to be one."""
        if not isinstance(value, list):
            raise refused(value, say("a list of names with values"))
        found: dict[str, str] = {}
        for pair in value:
            name = pair.get("name", pair.get("key")) if isinstance(pair, dict) else None
            try:
                found.setdefault(self._text.deserialize(name), self._text.deserialize(pair.get("value")))
            except (ValidationError, AttributeError):
                continue
        return {name: text for name, text in found.items() if name}


class Codes(Strict[tuple[str, ...]]):
    """Discount codes: texts, in REST `[{code, amount, type}]`."""

    def read(self, value: object) -> tuple[str, ...]:
        """The codes alone."""
        rows = value if isinstance(value, list) else None
        codes = [row.get("code") if isinstance(row, dict) else row for row in rows or ()]
        if rows is None or not all(isinstance(code, str) for code in codes):
            raise refused(value, say("a list of discount codes"))
        return tuple(str(code) for code in codes)


def _money(value: object) -> Money:
    if not isinstance(value, dict):
        raise refused(value, say("an amount with its currency"))
    return money(
        _AMOUNT.read(value.get("amount")), _CURRENCY.read(value.get("currencyCode", value.get("currency_code")))
    )


def money(amount: Decimal, currency: str) -> Money:
    """In the decimals of the currency; more only where they say something."""
    digits = minor_unit(currency, {})
    plain = Money(amount, currency)
    rounded = plain.quantized(digits)
    return rounded if rounded == plain else plain


def one_currency(amount: Decimal | None, data: Mapping[str, Any]) -> Bag | None:
    """A bag of an amount without one; None where there are two currencies, for then nobody can say what it means."""
    if amount is None or data["presentment_currency"] not in {"", data["currency"]}:
        return None
    told = money(amount, data["currency"])
    return Bag(told, told)


class ObjectId(Loose):
    """The number of an object that may be gone: `product_id: 5`, over GraphQL `product: {id: "gid://..."}`."""

    _gid = Gid()

    def read(self, value: object) -> str:
        """The id; empty where the object is gone."""
        return "" if value in ({}, "") else self._gid.read(value)
