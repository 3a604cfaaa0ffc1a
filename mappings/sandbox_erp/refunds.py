"""A refund as the sandbox ERP keeps it: a document of its own with negative lines, tied to the sale that it refunds.

Its total is what the shop gave back, to the cent: each line is rounded by itself, and a named line carries the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from mappings.base import JsonDict, Resolved, TargetOptions
from mappings.canonical.currencies import minor_unit
from mappings.canonical.errors import Problem, Problems
from mappings.canonical.facets import OrderRefund
from mappings.canonical.money import Money
from mappings.canonical.records import Order
from mappings.canonical.refs import Ref
from mappings.canonical.words import say
from mappings.sandbox_erp.sale import Line, line_payload, line_problems, sale_key, service_code

_ROUNDING = "refund.rounding"
#: Kind of a refunded line without pieces -> the setting of the service product under which its money is given back.
_SERVICES = {"shipping": "shipping_product", "fee": "fee_product"}


def refund_key(order_id: str, refund_id: str, options: TargetOptions) -> str:
    """`<channel>:<order>:refund:<refund>`."""
    return f"{sale_key(order_id, options)}:refund:{refund_id}"


def refund_references(order: Order, refund: OrderRefund, options: TargetOptions) -> frozenset[Ref]:
    """The product of every line."""
    return frozenset(Ref("product", line.code, path=line.path) for line in _lines(order, refund, options) if line.code)


def refund(order: Order, refund: OrderRefund, survey: JsonDict, resolved: Resolved, options: TargetOptions) -> JsonDict:
    """The refund as a draft, with its key. Raises Problems with everything that is in the way."""
    lines = list(_lines(order, refund, options))
    problems = [problem for line in lines for problem in line_problems(line, resolved)]
    problems.extend(_totals_problems(refund, lines, options))
    if problems:
        raise Problems(problems)
    return {
        "external_key": refund_key(order.external_id, refund.external_id, options),
        "sale": survey["id"],
        "reference": order.number,
        "currency": order.currency,
        "sale_date": refund.refunded_at.date().isoformat(),
        "placed_at": refund.refunded_at.isoformat(),
        "reason": refund.reason,
        "restock": refund.restock,
        "lines": [line_payload(line, resolved[Ref("product", line.code)], options) for line in lines],
    }


def _lines(order: Order, refund: OrderRefund, options: TargetOptions) -> Iterator[Line]:
    """Every line with negative amounts, the rounding last."""
    lines = list(_given_back(refund, options))
    amounts = (amount for line in lines for amount in (line.amount, line.tax))
    rounding = -options.rounded(refund.amount) - sum(options.rounded(amount) for amount in amounts)
    if rounding or not lines:
        zero = Money(Decimal(0), order.currency)
        code = service_code("rounding_product", options)
        lines.append(Line(_ROUNDING, code, "rounding", "Rounding", Decimal(-1), Money(rounding, order.currency), zero))
    yield from lines


def _given_back(refund: OrderRefund, options: TargetOptions) -> Iterator[Line]:
    for index, line in enumerate(refund.lines):
        path = f"refund.lines[{index}]"
        if line.kind == "line" and line.quantity:
            code, quantity, path = line.sku, -line.quantity, f"{path}.sku"
        else:
            # Money given back on an article, without pieces, is no movement of the article.
            code, quantity = service_code(_SERVICES.get(line.kind, "refund_product"), options), Decimal(-1)
        origin = line.origin if line.kind == "line" else f"{line.kind}:{line.origin}"
        yield Line(path, code, origin, line.title, quantity, -line.total, -line.tax)
    if refund.goodwill:
        zero = Money(Decimal(0), refund.goodwill.currency)
        code, title = service_code("refund_product", options), refund.reason or "Refund"
        yield Line("refund.goodwill", code, "goodwill", title, Decimal(-1), -refund.goodwill, zero)


def _totals_problems(refund: OrderRefund, lines: Sequence[Line], options: TargetOptions) -> Iterator[Problem]:
    """A rounding that is more than half a unit for every amount that the ERP rounds."""
    half = Decimal("0.5").scaleb(-minor_unit(refund.amount.currency, options.minor_units))
    rounding = sum((line.amount.amount for line in lines if line.path == _ROUNDING), Decimal(0))
    rounded_amounts = 1 + 2 * sum(1 for line in lines if line.path != _ROUNDING)
    if abs(rounding) > half * rounded_amounts:
        reason = say(
            "the lines and the amount of %(amount)s that was given back are %(rounding)s apart",
            amount=refund.amount,
            rounding=f"{rounding:f}",
        )
        yield Problem(
            "totals_mismatch", "refund.amount", reason, next_step=say("compare the refund's lines with its amount")
        )
