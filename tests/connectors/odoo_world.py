"""An Odoo for tests of its connector: orders and what is known of them, and the people who work there."""

from __future__ import annotations

from connectors.kit.base import ConnectorSettings, Rank
from connectors.odoo import Odoo
from connectors.odoo.loading import CONTEXT
from connectors.sandbox.odoo import people
from mappings import odoo as mapping
from mappings.base import TargetOptions
from tests.mappings.orders import line, make_order

OPTIONS = TargetOptions(channel="web")
CUP, POT = "TASSE-ROT", "KANNE-GLAS"


def connect(odoo, **options):
    settings = ConnectorSettings(
        name="erp",
        url=odoo.url,
        key=odoo.options.api_key,
        login="integration",
        deadline_s=10.0,
        allow_hosts=("127.0.0.1",),
        options={"database": odoo.options.database, **options},
    )
    return Odoo(settings)


def order_of(number, sku="TASSE-ROT", **changes):
    return make_order(
        external_id=str(number),
        number=str(number),
        lines=(line(sku, "2", "20.00", "3.80"),),
        shipping_lines=(),
        fees=(),
        grand="23.80",
        **changes,
    )


def known(target, order):
    """What the ERP knows of an order, its customer made where it is missing."""
    refs = mapping.references(order, OPTIONS)
    resolved = target.resolve(refs)
    if (missing := mapping.MAPPING.party(order, resolved, OPTIONS)) is not None:
        target.save_party(missing)
        resolved = target.resolve(refs)
    return resolved


def payload_of(target, order):
    return mapping.sale(order, known(target, order), OPTIONS)


def made(target, *orders):
    return target.create_sales([payload_of(target, order) for order in orders])


class World:
    """An Odoo with a confirmed sale of two cups, and the people who work there."""

    def __init__(self, odoo, **options):
        self.odoo, self.db = odoo, odoo.db
        self.target = connect(odoo, **options)
        self.client = self.target._client
        self.seen = set()

    def sell(self, number=1, **changes):
        [result] = made(self.target, order_of(number, **changes))
        [confirmed] = self.target.advance_sales([result.document], Rank.CONFIRMED)
        assert confirmed.error is None
        return confirmed.document.external_id

    def standing(self, sale):
        return mapping.FACETS.standing(self.target.survey_sales([sale])[sale], OPTIONS)

    def news(self):
        """Sales of which a pull told something that no pull before it had told, as the flow counts it."""
        told = {(each.external_id, each.version) for page in self.target.pull_sales(None) for each in page.envelopes}
        fresh, self.seen = told - self.seen, self.seen | told
        return {sale for sale, _ in fresh}

    def load(self, model, **values):
        answer = self.client.write(
            model,
            "load",
            {"fields": list(values), "data": [[str(each) for each in values.values()]]},
            context=CONTEXT,
        )
        assert answer["ids"], answer
        return answer["ids"][0]

    def invoice(self, sale, *, post=True):
        people.invoice(self.odoo.app, int(sale))
        number = max(self.db.tables["account.move"])
        if post:
            self.client.write("account.move", "action_post", ids=[number])
        return number

    def pay(self, invoice, amount="23.80", *, key="web:1:pay:a", assign=True):
        move = self.db.get("account.move", invoice)
        columns = {
            "id": f"crossdock.{key}",
            "payment_type": "inbound",
            "partner_id/.id": move["partner_id"],
            "amount": amount,
            "journal_id/.id": 2,
            "memo": "by hand",
            "invoice_ids/.id": invoice,
        }
        payment = self.load("account.payment", **columns)
        self.client.write("account.payment", "action_post", ids=[payment])
        if assign:
            booked = self.db.get("account.payment", payment)["move_id"]
            [line] = [row["id"] for row in self.db.all("account.move.line", move_id=booked)]
            self.client.write("account.move", "js_assign_outstanding_line", {"line_id": line}, ids=[invoice])
        return payment

    def credit(self, invoice, *, key="web:1:refund:7", sale_line="", post=True, **values):
        move = self.db.get("account.move", invoice)
        columns = {
            "id": key and f"crossdock.{key}",
            "move_type": "out_refund",
            "partner_id/.id": move["partner_id"],
            "reversed_entry_id/.id": invoice,
            "invoice_line_ids/name": "back",
            "invoice_line_ids/quantity": 1,
            "invoice_line_ids/price_unit": "5",
            **({"invoice_line_ids/sale_line_ids/.id": sale_line} if sale_line else {}),
            **values,
        }
        number = self.load("account.move", **columns)
        if post:
            self.client.write("account.move", "action_post", ids=[number])
        return number

    def take_back(self, sale, pieces=1):
        [picking] = [row for row in self.db.all("stock.picking", sale_id=int(sale)) if row["state"] == "done"]
        [move] = self.db.all("stock.move", picking_id=picking["id"])
        kind = next(each["id"] for each in self.db.all("stock.picking.type", code="incoming"))
        places = {"location_id/.id": picking["location_dest_id"], "location_dest_id/.id": picking["location_id"]}
        columns = {
            "picking_type_id/.id": kind,
            **places,
            "return_id/.id": picking["id"],
            "move_ids/product_id/.id": move["product_id"],
            "move_ids/product_uom_qty": pieces,
            "move_ids/origin_returned_move_id/.id": move["id"],
            "move_ids/sale_line_id/.id": move["sale_line_id"],
            **{f"move_ids/{name}": value for name, value in places.items()},
        }
        return self.load("stock.picking", **columns)
