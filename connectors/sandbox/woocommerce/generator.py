"""Makes a shop's orders, with the variety that the recordings and the sample collections show; seeded.

Amounts are computed as the shop computes them (`amounts`), so they are consistent to the cent, including the cent that
"round tax at subtotal" leaves. What is broken is broken on purpose: see `plant`.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import random
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from connectors.sandbox.catalogue import TAX_PERCENT, UNKNOWN_SKU, unknown_product
from connectors.sandbox.woocommerce.drafts import BasketLine, Draft, Fee, Shipping, make_order
from connectors.sandbox.woocommerce.orders import place
from connectors.sandbox.woocommerce.people import Person, people
from connectors.sandbox.woocommerce.products import add_catalogue
from connectors.sandbox.woocommerce.refunds import create_refund
from connectors.sandbox.woocommerce.render import amount_text
from connectors.sandbox.woocommerce.settings import ShopSettings
from connectors.sandbox.woocommerce.shop import Json, OrderRow, Shop

#: What `plant` can make: each is held by a verifying receiver, for its own reason.
PLANTS = ("unknown_sku", "totals_mismatch", "over_limit")

_CENT = Decimal("0.01")
_LONG_ORDER_LINES = 100
#: Orders that are kept as Python objects at a time.
_CHUNK = 200
_VAT_KEYS = ("_billing_vat", "vat_number", "_vat_number")
_NOTES = ("", "", "", "", "Bitte „vorsichtig“ & leise liefern 😀", "Leave at the back door", "اتركه عند الجار من فضلك")
_GATEWAYS = (
    ("cod", "Cash on delivery"),
    ("bacs", "Direct bank transfer"),
    ("stripe", "Credit card (Stripe)"),
    ("paypal", "PayPal"),
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Variety:
    """How often what occurs. Numbers are probabilities, the two mappings are weights."""

    countries: tuple[tuple[str, int], ...] = (("DE", 70), ("AT", 14), ("FR", 7), ("JP", 3), ("US", 4), ("KW", 2))
    states: tuple[tuple[str, int], ...] = (
        ("processing", 60),
        ("completed", 20),
        ("on-hold", 8),
        ("pending", 4),
        ("failed", 3),
        ("cancelled", 3),
        ("trash", 2),
    )
    coupon: float = 0.2
    fee: float = 0.08
    discount_fee: float = 0.03
    free_shipping: float = 0.15
    gift: float = 0.05
    zero_total: float = 0.004
    long_order: float = 0.002
    net_prices: float = 0.15
    round_at_subtotal: float = 0.07
    foreign_currency: float = 0.04
    deleted_product: float = 0.006
    tax_exempt: float = 0.01
    partial_refund: float = 0.03
    full_refund: float = 0.015
    from_rest: float = 0.1


#: Everything that the recordings have.
FULL = Variety()
#: What an ERP with German VAT takes at once: all amounts, people and discounts, but one country, paid and open.
DEMO = Variety(
    countries=(("DE", 1),),
    states=(("processing", 85), ("completed", 15)),
    foreign_currency=0.0,
    deleted_product=0.0,
    tax_exempt=0.0,
    zero_total=0.0,
    partial_refund=0.0,
    full_refund=0.0,
    long_order=0.005,
)
VARIETIES = {"full": FULL, "demo": DEMO}


class Generator:
    """Customers of one shop. The same seed on the same catalogue buys the same things."""

    def __init__(self, shop: Shop, *, seed: int = 0, variety: Variety = FULL) -> None:
        self._shop = shop
        self._dice = random.Random(seed)  # noqa: S311 - repeatable, not secret
        self._variety = variety
        self._people = people()
        self._settings: dict[tuple[bool, bool], ShopSettings] = {}
        known = [product for product in shop.products.values() if product["type"] != "variable"]
        self._goods = [product for product in known if Decimal(product["price"]) > 0 and product["sku"] != UNKNOWN_SKU]
        self._gifts = [product for product in known if Decimal(product["price"]) == 0]
        if not self._goods:
            raise ValueError("the shop sells nothing: add a catalogue first")

    # -- placing -----------------------------------------------------------------------------------------------

    def backlog(self, count: int, *, days: float = 30.0) -> list[int]:
        """The ids of `count` orders of the last `days`, oldest first; nobody is told and no stock moves."""
        now = dt.datetime.fromisoformat(self._shop.now())
        ages = sorted((self._dice.random() * days for _ in range(count)), reverse=True)
        moments = [_text(now - dt.timedelta(days=age) - dt.timedelta(minutes=1)) for age in ages]
        made: list[int] = []
        for start in range(0, count, _CHUNK):
            with self._shop.lock:
                orders = [self._past_order(created) for created in moments[start : start + _CHUNK]]
                self._shop.save_many(orders, "order.create")
            made.extend(order["id"] for order in orders)
        return made

    def live(self, count: int) -> list[OrderRow]:
        """`count` orders placed now: webhooks fire, stock is taken."""
        with self._shop.lock:
            return [place(self._shop, make_order(self._shop, self._draft("processing"))) for _ in range(count)]

    def sell(self, lines: Sequence[tuple[Json, int]]) -> OrderRow:
        """Somebody at home buys exactly these articles now, without coupon or fee, and pays."""
        with self._shop.lock:
            draft = dataclasses.replace(self._draft("processing", country="DE"), coupons=(), fees=())
            draft.lines = [BasketLine(product, quantity) for product, quantity in lines]
            return place(self._shop, make_order(self._shop, draft))

    def plant(self, what: str) -> OrderRow:
        """Place an order that must be held. Raises ValueError for what is not in `PLANTS`.

        `unknown_sku` sells what no ERP knows, `totals_mismatch` has a total that is 1.00 too high, `over_limit`
        is worth more than 10,000.
        """
        with self._shop.lock:
            draft = dataclasses.replace(self._draft("processing", country="DE"), coupons=(), fees=())
            if what == "unknown_sku":
                draft.lines = [BasketLine(self._unknown(), 1), *draft.lines]
            elif what == "over_limit":
                dearest = max(self._goods, key=lambda product: Decimal(product["price"]))
                draft.lines = [BasketLine(dearest, int(Decimal(15_000) / Decimal(dearest["price"])) + 1)]
            elif what != "totals_mismatch":
                raise ValueError(f"plant {what!r} is none of {', '.join(PLANTS)}")
            order = make_order(self._shop, draft)
            if what == "totals_mismatch":
                order["total"] = amount_text(Decimal(order["total"]) + 1)
            return place(self._shop, order)

    def _unknown(self) -> Json:
        if UNKNOWN_SKU not in self._shop.skus:
            add_catalogue(self._shop, (unknown_product(),))
        return self._shop.products[self._shop.skus[UNKNOWN_SKU]]

    # -- one order ---------------------------------------------------------------------------------------------

    def _past_order(self, created: str) -> Json:
        variety, dice = self._variety, self._dice
        status = _weighted(dice, variety.states)
        draft = self._draft(status, created=created)
        if dice.random() < variety.deleted_product:
            draft.lines = [*draft.lines, BasketLine(self._deleted_product(), 1)]
        order = make_order(self._shop, draft)
        order["date_modified_gmt"] = draft.completed or draft.paid or created
        roll = dice.random()
        if status in {"processing", "completed"} and roll < variety.partial_refund + variety.full_refund:
            self._refund(order, full=roll < variety.full_refund)
        return order

    def _draft(self, status: str, *, created: str = "", country: str = "") -> Draft:
        variety, dice = self._variety, self._dice
        person = self._person(country or _weighted(dice, variety.countries))
        created = created or self._shop.now()
        from_rest = dice.random() < variety.from_rest
        net_prices, at_subtotal = dice.random() < variety.net_prices, dice.random() < variety.round_at_subtotal
        pieces = _LONG_ORDER_LINES if dice.random() < variety.long_order else dice.randint(1, 3) + dice.randint(0, 3)
        # With a hundred lines the cents that rounding at the subtotal leaves could look like a broken total.
        at_subtotal = at_subtotal and pieces < _LONG_ORDER_LINES
        settings = self._set_differently(net_prices=net_prices, at_subtotal=at_subtotal)
        gateway, gateway_title = ("bacs", "Direct bank transfer") if status == "on-hold" else dice.choice(_GATEWAYS)
        paid = self._later(created, dice.randint(0, 40)) if status in {"processing", "completed"} else None
        billing, shipping = person.addresses(escaped=not from_rest)
        coupons = self._shop.settings.coupons if dice.random() < variety.coupon else ()
        exempt = bool(person.vat_id) and dice.random() < variety.tax_exempt * 5
        return Draft(
            lines=self._basket(
                pieces, net_prices=settings.prices_include_tax != self._shop.settings.prices_include_tax
            ),
            billing=billing,
            shipping=shipping,
            fees=self._fees(),
            shipping_lines=self._shipping(),
            coupons=(dice.choice(coupons),) if coupons else (),
            status=status,
            currency=dice.choice(("JPY", "KWD", "USD")) if dice.random() < variety.foreign_currency else "",
            created=created,
            paid=paid,
            completed=self._later(created, dice.randint(600, 200_000)) if status == "completed" else None,
            customer_id=person.customer_id,
            payment_method=gateway,
            payment_method_title=gateway_title,
            transaction_id=f"ch_{dice.getrandbits(64):016x}" if paid and gateway in {"stripe", "paypal"} else "",
            created_via="rest-api" if from_rest else "store-api",
            customer_note=dice.choice(_NOTES),
            meta=self._meta(person, exempt=exempt),
            tax_exempt=exempt,
            settings=settings,
        )

    def _set_differently(self, *, net_prices: bool, at_subtotal: bool) -> ShopSettings:
        """The shop's settings as they may have been when the order was placed."""
        known = self._settings.get((net_prices, at_subtotal))
        if known is None:
            now = self._shop.settings
            known = self._settings[net_prices, at_subtotal] = dataclasses.replace(
                now,
                prices_include_tax=now.prices_include_tax and not net_prices,
                round_at_subtotal=now.round_at_subtotal or at_subtotal,
            )
        return known

    def _person(self, country: str) -> Person:
        return self._dice.choice(self._people[country])

    def _basket(self, count: int, *, net_prices: bool) -> list[BasketLine]:
        variety, dice = self._variety, self._dice
        if self._gifts and dice.random() < variety.zero_total:
            return [BasketLine(dice.choice(self._gifts), 1)]
        chosen = dice.sample(self._goods, count) if count <= len(self._goods) else dice.choices(self._goods, k=count)
        lines = [
            BasketLine(product, dice.choice((1, 1, 1, 2, 3, 7)), price=_net_price(product) if net_prices else None)
            for product in chosen
        ]
        if self._gifts and dice.random() < variety.gift:
            lines.append(BasketLine(dice.choice(self._gifts), 1, meta=(("Zugabe", "ab 1 Artikel"),)))
        return lines

    def _fees(self) -> list[Fee]:
        roll = self._dice.random()
        if roll < self._variety.discount_fee:
            return [Fee("Treuerabatt", Decimal(-self._dice.randint(5, 100)) * _CENT)]
        if roll < self._variety.discount_fee + self._variety.fee:
            return [Fee("Geschenkverpackung", Decimal("2.50"))]
        return []

    def _shipping(self) -> list[Shipping]:
        if self._dice.random() < self._variety.free_shipping:
            return [Shipping("Kostenloser Versand", Decimal(0), "free_shipping", "2")]
        return [Shipping("DHL Paket", self._dice.choice((Decimal("4.12"), Decimal("8.39"))), "flat_rate", "1")]

    def _meta(self, person: Person, *, exempt: bool) -> Sequence[tuple[str, Any]]:
        meta: list[tuple[str, Any]] = [("is_vat_exempt", "yes" if exempt else "no")]
        if person.vat_id:
            meta.append((self._dice.choice(_VAT_KEYS), person.vat_id))
            meta.append(("_po_number", f"PO-{self._dice.randint(1000, 99_999)}"))
        return meta

    def _deleted_product(self) -> Json:
        """An article that is gone meanwhile: its line will read `product_id: 0, sku: null`."""
        return {
            "id": self._shop.ids.take("post"),
            "name": "Nicht mehr im Sortiment",
            "type": "simple",
            "tax_class": "",
            "price": "9.90",
        }

    def _later(self, gmt: str, seconds: int) -> str:
        """So much later, but never in the future: texts of equal form compare as times."""
        return min(_text(dt.datetime.fromisoformat(gmt) + dt.timedelta(seconds=seconds)), self._shop.now())

    def _refund(self, order: Json, *, full: bool) -> None:
        moment = self._later(order["date_modified_gmt"], self._dice.randint(3_600, 90_000))
        sent: Json = {"reason": self._dice.choice(("Bruch – 2 Stück", "Widerruf", "Kulanz")), "api_refund": False}  # noqa: RUF001
        if full:
            sent |= {"amount": order["total"]} | _all_lines(order)
        else:
            line = max(order["line_items"], key=lambda candidate: Decimal(candidate["total"]))
            sent |= {"line_items": [_one_piece(line)]}
            if not Decimal(line["total"]):
                return
        create_refund(self._shop, order, sent, created=moment)
        order["date_modified_gmt"] = moment


def _all_lines(order: Json) -> Json:
    lines = [*order["line_items"], *order["shipping_lines"], *order["fee_lines"]]
    return {
        "line_items": [
            {
                "id": line["id"],
                "quantity": line.get("quantity", 0),
                "refund_total": line["total"],
                "refund_tax": [{"id": tax["id"], "refund_total": tax["total"]} for tax in line["taxes"]],
            }
            for line in lines
        ]
    }


def _one_piece(line: Json) -> Json:
    pieces = line["quantity"]

    def share(text: str) -> str:
        return str((Decimal(text) / pieces).quantize(_CENT))

    taxes = [{"id": tax["id"], "refund_total": share(tax["total"])} for tax in line["taxes"]]
    return {"id": line["id"], "quantity": 1, "refund_total": share(line["total"]), "refund_tax": taxes}


def _net_price(product: Json) -> Decimal:
    percent = TAX_PERCENT.get(product["tax_class"], TAX_PERCENT[""])
    return (Decimal(product["price"]) / (1 + percent / 100)).quantize(_CENT)


def _weighted(dice: random.Random, weights: Sequence[tuple[str, int]]) -> str:
    return dice.choices([name for name, _ in weights], [weight for _, weight in weights])[0]


def _text(moment: dt.datetime) -> str:
    return moment.isoformat(timespec="seconds")
