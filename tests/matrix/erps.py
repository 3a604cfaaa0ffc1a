"""The ERPs in which the baskets end: what an account on them is, and a sale as the ERP's own people see it."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from config.model import Auth, Secret
from config.model import Connection as Account
from connectors.sandbox.odoo import OdooOptions, running_odoo
from connectors.sandbox.tryton import Erp as Tryton
from tests.matrix.basket import End, end_of
from tests.real.tryton_world import new_web_shop
from tests.shared import PATIENCE_S
from tests.sync.flows.trade import LOCAL


@dataclasses.dataclass(frozen=True)
class Erp:
    """A running one."""

    account: Account
    #: The sale with that id.
    end: Callable[[str], End]
    #: The policy's `target` section.
    target: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@contextlib.contextmanager
def odoo() -> Iterator[Erp]:
    """The stand-in."""
    with running_odoo(OdooOptions(settle_s=PATIENCE_S)) as running:
        db = running.db

        def end(sale: str) -> End:
            order = db.get("sale.order", int(sale))
            rows = [
                (
                    db.get("product.product", line["product_id"])["default_code"],
                    Decimal(str(line["product_uom_qty"])),
                    db.value("sale.order.line", line, "price_subtotal"),
                    [Decimal(str(db.get("account.tax", tax)["amount"])) for tax in line["tax_ids"]],
                )
                for line in db.all("sale.order.line", order_id=order["id"])
            ]
            amounts = (db.value("sale.order", order, name) for name in ("amount_tax", "amount_total"))
            return end_of(rows, *amounts)

        auth = Auth(key=Secret(running.options.api_key))
        options = {"database": running.options.database}
        yield Erp(Account(name="erp", system="odoo", url=running.url, auth=auth, options=options, **LOCAL), end)


def tryton(running: Tryton) -> Erp:
    """A web shop of its own in a real one."""
    admin = running.admin()

    def end(sale: str) -> End:
        [order] = admin.read("sale.sale", [["id", "=", int(sale)]], ["tax_amount", "total_amount"])
        names = ["product.code", "quantity", "amount", "taxes"]
        lines = admin.read("sale.line", [["sale", "=", order["id"]]], names)
        rates = {row["id"]: row["rate"] * 100 for row in admin.read("account.tax", [], ["rate"])}
        rows = [
            (
                line["product."]["code"],
                Decimal(str(line["quantity"])),
                line["amount"],
                [rates[t] for t in line["taxes"]],
            )
            for line in lines
        ]
        return end_of(rows, order["tax_amount"], order["total_amount"])

    auth = Auth(key=Secret(running.rest_key), login=running.login, password=Secret(running.password))
    options = {"database": running.database, "web_shop": new_web_shop(running)}
    account = Account(name="erp", system="tryton", url=running.url, auth=auth, options=options, **LOCAL)
    return Erp(account, end, {"warehouse": "WH1", "payment_method": "Web payment"})


#: Beside the real Tryton, which whoever asks for it has started.
STAND_INS: Final[Mapping[str, Callable[[], contextlib.AbstractContextManager[Erp]]]] = {"odoo": odoo}
