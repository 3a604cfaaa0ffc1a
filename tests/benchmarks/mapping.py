"""What one order costs on its way from the shop's bytes to ours, in CPU time of one core.

    .venv/bin/python -m tests.benchmarks.mapping [--rounds 12]

The order is a recorded one with five lines. Every row was measured in this run, interleaved with the others; the best
round counts, because the rest of the machine only ever adds. `orjson.loads` is what no reader of these bytes beats.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import orjson

from mappings.base import SourceOptions
from mappings.canonical.jsontext import read_json
from mappings.canonical.schemas import ORDER, order_from_json, order_to_json
from mappings.registry import SOURCES
from mappings.woocommerce import schema
from tests.benchmarks.report import console, goal, table
from tests.contract.recorded_orders import recorded_orders

LINES = 5
#: What the design allows, in milliseconds.
LIMITS = {"shop's JSON -> order": 1.2, "order -> our JSON": 0.3}


def five_lines() -> bytes:
    """The recorded order with three lines, two of them twice; its total is raised by what they cost."""
    body: dict[str, Any] = next(each.body for each in recorded_orders() if "order-read-multi" in each.where)
    lines = (body["line_items"] * 2)[:LINES]
    added = sum(Decimal(line["total"]) + Decimal(line["total_tax"]) for line in lines[len(body["line_items"]) :])
    tax = sum(Decimal(line["total_tax"]) for line in lines[len(body["line_items"]) :])
    totals = {"total": f"{Decimal(body['total']) + added}", "total_tax": f"{Decimal(body['total_tax']) + tax}"}
    return json.dumps({**body, **totals, "line_items": lines}, default=str).encode()


def cases(raw: bytes) -> dict[str, Callable[[], object]]:
    options = SourceOptions()
    to_order = SOURCES["woocommerce"].order
    payload = read_json(raw)
    order = to_order(payload, options)
    written = order_to_json(order)
    return {
        "orjson.loads (limit)": lambda: orjson.loads(raw),
        "strict JSON": lambda: read_json(raw),
        "schema of the shop alone": lambda: schema.ORDER.load(payload),
        "shop's JSON -> order": lambda: to_order(payload, options),
        "order -> our JSON": lambda: order_to_json(order),
        "our JSON -> order": lambda: order_from_json(written),
        "schema of ours alone": lambda: ORDER.load(written),
    }


def milliseconds(function: Callable[[], object], calls: int = 100) -> float:
    function()
    started = time.process_time()
    for _ in range(calls):
        function()
    return (time.process_time() - started) / calls * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=12)
    rounds = parser.parse_args().rounds
    raw = five_lines()
    functions = cases(raw)
    measured = [{name: milliseconds(function) for name, function in functions.items()} for _ in range(rounds)]
    best = {name: min(figures[name] for figures in measured) for name in functions}
    limit = best["orjson.loads (limit)"]
    rows = [
        (name, f"{figure:.3f}", f"{1000 / figure:,.0f}", f"{figure / limit:.1f}", None if aim is None else f"{aim} ms")
        for name, figure in best.items()
        for aim in [LIMITS.get(name)]
    ]
    screen = console()
    title = f"mapping: an order of {LINES} lines ({len(raw)} bytes), CPU time"
    screen.print(table(title, ("step", "ms an order", "orders/s a core", "x orjson.loads", "aim"), rows))
    for name, aim in LIMITS.items():
        screen.print(goal(name, best[name], "<=", aim, unit=" ms"))


if __name__ == "__main__":
    main()
