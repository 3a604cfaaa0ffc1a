"""How the sandbox ERP reads the lines of a sale or refund: strict, each refusal with the field it is about."""

from __future__ import annotations

from decimal import Decimal

from connectors.sandbox.erp.documents import JsonDict, Refused, decimal, rounded, text
from connectors.sandbox.erp.state import State


def check_currency(payload: JsonDict) -> str:
    """The currency's code. Raises Refused."""
    currency = text(payload, "currency", required=True)
    if len(currency) != 3 or not currency.isalpha() or not currency.isupper():  # noqa: PLR2004 - ISO 4217
        raise Refused(422, "invalid", "currency must be an ISO 4217 code", "currency")
    return currency


def sums(state: State, payload: JsonDict, digits: int) -> tuple[Decimal, Decimal]:
    """Net and tax of the lines, each line rounded. Raises Refused."""
    lines = payload.get("lines")
    if not isinstance(lines, list) or not lines:
        raise Refused(422, "required", "lines must be a list with at least one line", "lines")
    untaxed = tax = Decimal(0)
    for index, line in enumerate(lines):
        path = f"lines[{index}]"
        if not isinstance(line, dict):
            raise Refused(422, "invalid", f"{path} must be an object", path)
        _check_product(state, line, path)
        untaxed += rounded(decimal(line, "amount", f"{path}.amount"), digits)
        tax += rounded(decimal(line, "tax", f"{path}.tax"), digits)
    return untaxed, tax


def check_sign(payload: JsonDict, total: Decimal) -> None:
    """A refund gives back and takes nothing. Raises Refused."""
    if total > 0:
        raise Refused(422, "invalid", f"a refund's total is negative or zero, not {total:f}", "lines")
    for index, line in enumerate(payload["lines"]):
        if Decimal(line["quantity"]) > 0 and Decimal(line["amount"]) < 0:
            message = "what comes back has a negative quantity"
            raise Refused(422, "invalid", message, f"lines[{index}].quantity")


def _check_product(state: State, line: JsonDict, path: str) -> None:
    wanted = line.get("product")
    product = state.product_by_id.get(wanted) if isinstance(wanted, int) else None
    if product is None:
        raise Refused(422, "unknown_product", f"there is no product {wanted!r}", f"{path}.product")
    if not product.salable:
        raise Refused(422, "not_salable", f"{product.code} is not sold any more", f"{path}.product")
    quantity = decimal(line, "quantity", f"{path}.quantity")
    if quantity != rounded(quantity, product.unit_digits):
        message = f"{product.code} is counted with {product.unit_digits} decimals, not {quantity:f}"
        raise Refused(422, "unit_digits", message, f"{path}.quantity")
