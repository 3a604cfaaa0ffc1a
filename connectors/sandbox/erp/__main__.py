"""`python -m connectors.sandbox.erp`: the sandbox ERP as a process."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from connectors.sandbox.erp.process import DEFAULT_API_KEY, ErpOptions, run
from connectors.sandbox.erp.products import CATALOGUE_SIZE


def _currency_digits(value: str) -> tuple[str, int]:
    currency, equals, digits = value.partition("=")
    if not equals or not digits.isdigit():
        raise argparse.ArgumentTypeError(f"{value!r} is not like JPY=0")
    return currency, int(digits)


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the options and serve until SIGTERM."""
    defaults = ErpOptions()
    parser = argparse.ArgumentParser(prog="crossdock sandbox erp", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one and says which")
    parser.add_argument("--ledger", type=Path, help="append-only; its state is taken up again after a restart")
    parser.add_argument("--enforce-key", action=argparse.BooleanOptionalAction, default=defaults.enforce_key)
    parser.add_argument("--enforce-reference", action="store_true", help="no two payments with one reference")
    parser.add_argument(
        "--racy-confirm", action="store_true", help="parallel confirmations each make an invoice, postings a number"
    )
    parser.add_argument("--warehouse", action="append", default=[], metavar="CODE", help="the first one has the goods")
    parser.add_argument("--articles", type=int, default=CATALOGUE_SIZE, help="how many of the catalogue it knows")
    parser.add_argument("--latency-ms", type=float, default=20.0)
    parser.add_argument("--concurrency", type=int, help="requests worked on at once; any number without it")
    parser.add_argument("--settle-s", type=float, default=defaults.settle_s, help="no effect lands later than this")
    parser.add_argument("--api-key", default=DEFAULT_API_KEY)
    parser.add_argument("--currency-digits", type=_currency_digits, action="append", default=[], metavar="JPY=0")
    given = parser.parse_args(arguments)
    run(
        port=given.port,
        ledger=given.ledger,
        articles=given.articles,
        options=ErpOptions(
            enforce_key=given.enforce_key,
            enforce_reference=given.enforce_reference,
            racy_confirm=given.racy_confirm,
            warehouses=tuple(given.warehouse) or defaults.warehouses,
            latency_ms=given.latency_ms,
            concurrency=given.concurrency,
            settle_s=given.settle_s,
            api_key=given.api_key,
            currency_digits=dict(given.currency_digits),
        ),
    )


if __name__ == "__main__":
    main()
