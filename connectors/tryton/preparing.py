"""What a channel presumes of a Tryton: fields, which modules bring, and service products, which can be made.

Source: `ir.model.field`, `product.template`, `product.category` of Tryton 8.0, as its own client writes them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from connectors.kit.errors import RecordRejected
from connectors.kit.preparing import Need, NeedKind
from connectors.kit.words import say
from connectors.tryton.client import TrytonClient
from connectors.tryton.goods import find_products
from connectors.tryton.masters import Masters

#: A field is part of a module, which nobody installs over the API.
MAKES: Final = frozenset({NeedKind.PRODUCT})
_MODELS: Final[Mapping[str, str]] = {"order": "sale.sale", "lines": "sale.line", "party": "party.party"}
_ACCOUNTS: Final = ("account_revenue", "account_expense")


def lacking(client: TrytonClient, fields: Sequence[Need]) -> list[Need]:
    """Those that their models do not have."""
    asked = [each for each in fields if each.of in _MODELS]
    if not asked:
        return []
    clauses = [[["model", "=", _MODELS[each.of]], ["name", "=", each.name]] for each in asked]
    rows = client.search("ir.model.field", ["OR", *clauses], ("name", "model"))
    known = {(row["model"], row["name"]) for row in rows}
    return [each for each in asked if (_MODELS[each.of], each.name) not in known]


def prepare(client: TrytonClient, masters: Masters, need: Need) -> None:
    """A service product in the unit *Unit*; one that is there by its code already is left as it is.

    Tryton does not keep codes unique: after a lost answer look whether it is there before this is called again.
    """
    if need.kind is not NeedKind.PRODUCT:
        text = say("%(field)s is brought by no module that is activated: activate the one that has it", field=need.name)
        raise RecordRejected(text, field=need.name, code="not_custom")
    context = masters.context()
    if find_products(client, [need.name], context):
        return
    unit = client.search("product.uom", [["symbol", "=", "u"]], ("name",), limit=1)
    values = {
        "name": need.name.replace("_", " ").capitalize(),
        "type": "service",
        "default_uom": unit[0]["id"] if unit else None,
        "sale_uom": unit[0]["id"] if unit else None,
        "salable": True,
        "list_price": Decimal(0),
        "account_category": _category(client, context),
        # The full code is the template's and the product's suffix together.
        "products": [["create", [{"suffix_code": need.name, "cost_price": Decimal(0)}]]],
    }
    try:
        client.create("product.template", values, ("name",), context=context)
    except RecordRejected as refusal:
        # Said whatever the refusal is: its text is translated, and nothing else tells the reason.
        text = say(
            "%(refusal)s; making products takes the group Account Product Administration, for as long as it takes",
            refusal=refusal,
        )
        raise RecordRejected(text, field=refusal.field, code=refusal.code, status=refusal.status) from refusal


def _category(client: TrytonClient, context: Mapping[str, object]) -> int:
    """The category from which the product has its accounts; taxes are said by each line that we write.

    Several that book to the same accounts are as good as one. Else nobody but a person can say which.
    """
    rows = client.search("product.category", [["accounting", "=", True]], ("name", *_ACCOUNTS), context=context)
    if not rows:
        text = say("there is no account category for products: make one, with a revenue account")
        raise RecordRejected(text, field="account_category", code="no_category")
    if len({tuple(row.get(name) for name in _ACCOUNTS) for row in rows}) > 1:
        names = ", ".join(sorted(row["name"] for row in rows))
        text = say(
            "the account categories %(names)s book to different accounts: create the product by hand", names=names
        )
        raise RecordRejected(text, field="account_category", code="no_category")
    return int(min(row["id"] for row in rows))
