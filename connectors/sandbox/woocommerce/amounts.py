"""The shop's arithmetic, as WooCommerce computes a cart (class-wc-cart-totals.php, class-wc-discounts.php).

Amounts are kept with 6 decimals and rounded when shown; what is rounded before it is summed depends on "round tax
at subtotal". That is why the shown lines of such a shop do not add up to its total by a cent. With prices that
include tax a tax of exactly half a cent is rounded down (measured: fee 2.50 at 19 % has total_tax 0.47).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from decimal import ROUND_DOWN, ROUND_HALF_DOWN, ROUND_HALF_UP, Decimal

from connectors.sandbox.woocommerce.settings import Coupon, ShopSettings, TaxRate

#: What is kept. A cart computes its taxes in cents with 6 decimals, an order made over the API in the currency itself:
#: that is why the same basket can differ in the last kept digit (recorded: 9.2507005 and 9.075631 as unit prices).
_PRECISE = Decimal("0.000001")
_CART = Decimal("0.00000001")
_ZERO = Decimal(0)

#: (total, subtotal) of one line for one rate.
TaxPair = tuple[Decimal, Decimal]


@dataclasses.dataclass(frozen=True, slots=True)
class Item:
    """A cart line. `price` is the unit price as the shop shows it, with or without tax by its setting."""

    price: Decimal
    quantity: int
    tax_class: str = ""
    #: A line whose net amounts were given in the API call instead of computed: (subtotal, total).
    net: tuple[Decimal, Decimal] | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Charge:
    """A fee or a shipping line; `total` is net, also in a shop whose prices include tax."""

    total: Decimal
    tax_class: str = ""
    taxable: bool = True


@dataclasses.dataclass(slots=True)
class Line:
    """What an item, fee or shipping line comes to. All net; taxes by rate id."""

    subtotal: Decimal
    total: Decimal
    taxes: dict[int, TaxPair]
    subtotal_tax: Decimal = _ZERO
    total_tax: Decimal = _ZERO


@dataclasses.dataclass(slots=True)
class TaxLine:
    """One rate's share of the order."""

    rate: TaxRate
    tax_total: Decimal = _ZERO
    shipping_tax_total: Decimal = _ZERO


@dataclasses.dataclass(slots=True)
class Totals:
    """A computed order. The lists are in the order of their inputs."""

    items: list[Line]
    fees: list[Line]
    shipping: list[Line]
    tax_lines: list[TaxLine]
    #: (discount, discount tax) of each coupon.
    coupons: list[tuple[Decimal, Decimal]]
    discount_total: Decimal
    discount_tax: Decimal
    shipping_total: Decimal
    shipping_tax: Decimal
    cart_tax: Decimal
    total_tax: Decimal
    total: Decimal


class Calculator:
    """Computes orders of one shop for one destination country.

    `untaxed` for a tax-exempt customer; `cart` False for an order made over the API.
    """

    def __init__(self, settings: ShopSettings, country: str, *, untaxed: bool = False, cart: bool = True) -> None:
        self._settings = settings
        self._cart = cart
        self._step = _CART if cart else _PRECISE
        self._country = country
        self._untaxed = untaxed
        self._unit = Decimal(1).scaleb(-settings.decimals)
        self._rates: dict[str, tuple[TaxRate, ...]] = {}
        self._base_rates: dict[str, tuple[TaxRate, ...]] = {}
        self._tax_rounding = ROUND_HALF_DOWN if settings.prices_include_tax else ROUND_HALF_UP

    def compute(
        self,
        items: Sequence[Item],
        fees: Sequence[Charge] = (),
        shipping: Sequence[Charge] = (),
        coupons: Sequence[Coupon] = (),
    ) -> Totals:
        """All lines and totals of one order."""
        gross = [self._entered_total(item) for item in items]
        discounts = [self._discounts(coupon, items, gross) for coupon in coupons]
        lines = [
            self._item_line(item, price, sum((discount[index] for discount in discounts), _ZERO))
            for index, (item, price) in enumerate(zip(items, gross, strict=True))
        ]
        shipping_lines = [self._charge_line(charge, rates_of=self._shipping_rates) for charge in shipping]
        fee_lines = [self._fee_line(fee, items, lines) for fee in fees]
        return self._sum_up(items, lines, fee_lines, shipping_lines, discounts)

    # -- lines -------------------------------------------------------------------------------------------------

    def rates(self, tax_class: str) -> tuple[TaxRate, ...]:
        """The rates of the destination for a class."""
        known = self._rates.get(tax_class)
        if known is None:
            known = () if self._untaxed else self._settings.rates_for(self._country, tax_class)
            self._rates[tax_class] = known
        return known

    def _rates_at_home(self, tax_class: str) -> tuple[TaxRate, ...]:
        if tax_class not in self._base_rates:
            self._base_rates[tax_class] = self._settings.rates_for(self._settings.base_country, tax_class)
        return self._base_rates[tax_class]

    def _shipping_rates(self, _tax_class: str) -> tuple[TaxRate, ...]:
        return tuple(rate for rate in self.rates("") if rate.shipping)

    def _entered_total(self, item: Item) -> Decimal:
        """Price x quantity; a price that includes the tax of the shop's country is moved to the destination's."""
        entered = item.price * item.quantity
        if not self._settings.prices_include_tax:
            return entered
        base = self._rates_at_home(item.tax_class)
        there = self.rates(item.tax_class)
        if there == base:
            return entered
        net = entered - sum(self._taxes_inside(entered, base), _ZERO)
        return net + sum(self._taxes_on(net, there), _ZERO)

    def _item_line(self, item: Item, entered: Decimal, discount: Decimal) -> Line:
        rates = self.rates(item.tax_class)
        if item.net is not None:
            subtotal, total = item.net
            subtotal_taxes, total_taxes = self._taxes_on(subtotal, rates), self._taxes_on(total, rates)
        else:
            subtotal, subtotal_taxes = self._split(entered, rates)
            total, total_taxes = self._discounted(entered, subtotal, discount, rates)
        pairs = zip(total_taxes, subtotal_taxes, strict=True)
        return self._with_tax(Line(subtotal, total, {rate.id: pair for rate, pair in zip(rates, pairs, strict=True)}))

    def _discounted(
        self, entered: Decimal, subtotal: Decimal, discount: Decimal, rates: Sequence[TaxRate]
    ) -> tuple[Decimal, list[Decimal]]:
        """A cart takes the discount off the entered price, an order takes the discount's net off the line's net."""
        if self._cart:
            return self._split(max(_ZERO, entered - discount), rates)
        total = max(_ZERO, subtotal - self._split(discount, rates)[0])
        return total, self._taxes_on(total, rates)

    def _split(self, entered: Decimal, rates: Sequence[TaxRate]) -> tuple[Decimal, list[Decimal]]:
        if self._settings.prices_include_tax:
            taxes = self._taxes_inside(entered, rates)
            return (entered - sum(taxes, _ZERO)).quantize(_PRECISE, ROUND_HALF_UP), taxes
        return entered.quantize(_PRECISE, ROUND_HALF_UP), self._taxes_on(entered, rates)

    def _charge_line(self, charge: Charge, *, rates_of: Callable[[str], tuple[TaxRate, ...]]) -> Line:
        rates = rates_of(charge.tax_class) if charge.taxable else ()
        taxes = self._taxes_on(charge.total, rates)
        pairs = {rate.id: (tax, _ZERO) for rate, tax in zip(rates, taxes, strict=True)}
        return self._with_tax(Line(charge.total, charge.total, pairs))

    def _fee_line(self, fee: Charge, items: Sequence[Item], lines: Sequence[Line]) -> Line:
        """A negative fee is a discount: its tax is shared out over the classes of what it discounts."""
        costs: dict[str, Decimal] = {}
        for item, line in zip(items, lines, strict=True):
            costs[item.tax_class] = costs.get(item.tax_class, _ZERO) + line.total
        whole = sum(costs.values(), _ZERO)
        if fee.total >= 0 or not fee.taxable or not whole:
            return self._charge_line(fee, rates_of=self.rates)
        pairs: dict[int, TaxPair] = {}
        for tax_class, cost in costs.items():
            rates = self.rates(tax_class)
            for rate, tax in zip(rates, self._taxes_on(fee.total * cost / whole, rates), strict=True):
                pairs[rate.id] = (pairs.get(rate.id, (_ZERO, _ZERO))[0] + tax, _ZERO)
        return self._with_tax(Line(fee.total, fee.total, pairs))

    def _with_tax(self, line: Line) -> Line:
        line.total_tax = sum((self.line_tax(total) for total, _ in line.taxes.values()), _ZERO)
        line.subtotal_tax = sum((self.line_tax(subtotal) for _, subtotal in line.taxes.values()), _ZERO)
        return line

    def line_tax(self, tax: Decimal) -> Decimal:
        """A line's tax as it enters sums: rounded, unless the shop rounds at the subtotal."""
        return tax if self._settings.round_at_subtotal else self.round_tax(tax)

    def round_tax(self, tax: Decimal) -> Decimal:
        """To the shop's decimals, half a cent down where prices include tax."""
        return tax.quantize(self._unit, self._tax_rounding)

    # -- coupons -----------------------------------------------------------------------------------------------

    def _discounts(self, coupon: Coupon, items: Sequence[Item], gross: Sequence[Decimal]) -> list[Decimal]:
        """What the coupon takes from each line, off the entered price. Dearest lines first, as WooCommerce sorts."""
        order = sorted(range(len(items)), key=lambda index: -gross[index])
        taken = [_ZERO] * len(items)
        if coupon.kind == "percent":
            wanted = (sum(gross, _ZERO) * coupon.amount / 100).quantize(self._unit, ROUND_HALF_DOWN)
            for index in order:
                taken[index] = (gross[index] * coupon.amount / 100).quantize(self._unit, ROUND_DOWN)
        else:
            wanted = min(coupon.amount, sum(gross, _ZERO))
            pieces = sum(items[index].quantity for index in order if gross[index] > 0)
            each = (wanted / pieces).quantize(self._unit, ROUND_DOWN) if pieces else _ZERO
            for index in order:
                taken[index] = min(each * items[index].quantity, gross[index])
        self._spread_rest(wanted - sum(taken, _ZERO), order, gross, taken)
        return taken

    def _spread_rest(self, rest: Decimal, order: Sequence[int], gross: Sequence[Decimal], taken: list[Decimal]) -> None:
        """Hand out what rounding down left, a cent at a time from the first line on."""
        while rest > 0:
            before = rest
            for index in order:
                step = min(self._unit, rest, gross[index] - taken[index])
                if step > 0:
                    taken[index] += step
                    rest -= step
            if rest == before:
                return

    def _coupon_shares(
        self, discounts: Sequence[Sequence[Decimal]], items: Sequence[Item]
    ) -> list[tuple[Decimal, Decimal]]:
        shares = []
        for discount in discounts:
            net = tax = _ZERO
            for item, amount in zip(items, discount, strict=True):
                without, taxes = self._split(amount, self.rates(item.tax_class))
                net, tax = net + without, tax + sum(taxes, _ZERO)
            shares.append((net.quantize(self._unit, ROUND_HALF_UP), self.round_tax(tax)))
        return shares

    # -- sums --------------------------------------------------------------------------------------------------

    def _sum_up(
        self,
        items: Sequence[Item],
        lines: list[Line],
        fees: list[Line],
        shipping: list[Line],
        discounts: Sequence[Sequence[Decimal]],
    ) -> Totals:
        rounded = (lambda amount: amount) if self._settings.round_at_subtotal else self._round
        subtotal = sum((rounded(line.subtotal) for line in lines), _ZERO)
        net = sum((rounded(line.total) for line in lines), _ZERO)
        tax_lines = self._tax_lines([*lines, *fees], shipping)
        cart_tax = sum((line.tax_total for line in tax_lines), _ZERO)
        shipping_tax = sum((line.shipping_tax_total for line in tax_lines), _ZERO)
        shipping_total = sum((line.total for line in shipping), _ZERO)
        fee_total = sum((line.total for line in fees), _ZERO)
        coupons = self._coupon_shares(discounts, items)
        discount_tax = sum((tax for _, tax in coupons), _ZERO)
        if not coupons:  # lines may have been given with a total below their subtotal
            discount_tax = self.round_tax(sum((line.subtotal_tax - line.total_tax for line in lines), _ZERO))
        return Totals(
            items=lines,
            fees=fees,
            shipping=shipping,
            tax_lines=tax_lines,
            coupons=coupons,
            discount_total=self._round(subtotal - net),
            discount_tax=discount_tax,
            shipping_total=shipping_total,
            shipping_tax=shipping_tax,
            cart_tax=cart_tax,
            total_tax=self._round(cart_tax + shipping_tax),
            total=self._round(net + fee_total + shipping_total + cart_tax + shipping_tax),
        )

    def _round(self, amount: Decimal) -> Decimal:
        return amount.quantize(self._unit, ROUND_HALF_UP)

    def _tax_lines(self, lines: Sequence[Line], shipping: Sequence[Line]) -> list[TaxLine]:
        """One line per rate, in the order in which the order's lines use them."""
        rates = {rate.id: rate for rate in self._settings.rates}
        found: dict[int, TaxLine] = {}
        for line in lines:
            for rate_id, (tax, _) in line.taxes.items():
                found.setdefault(rate_id, TaxLine(rates[rate_id])).tax_total += self.line_tax(tax)
        for line in shipping:
            for rate_id, (tax, _) in line.taxes.items():
                found.setdefault(rate_id, TaxLine(rates[rate_id])).shipping_tax_total += self.line_tax(tax)
        return list(found.values())

    # -- taxes -------------------------------------------------------------------------------------------------

    def _taxes_inside(self, amount: Decimal, rates: Sequence[TaxRate]) -> list[Decimal]:
        """The taxes that `amount` contains."""
        if not rates:
            return []
        net = amount / (1 + sum((rate.percent for rate in rates), _ZERO) / 100)
        return [(net * rate.percent / 100).quantize(self._step, ROUND_HALF_UP) for rate in rates]

    def _taxes_on(self, amount: Decimal, rates: Sequence[TaxRate]) -> list[Decimal]:
        """The taxes that come on top of `amount`."""
        return [(amount * rate.percent / 100).quantize(self._step, ROUND_HALF_UP) for rate in rates]
