"""What a mapping profile of 20 rules adds to one order, in CPU time of one core.

    .venv/bin/python -m tests.benchmarks.profiles [--rounds 12]

The order is the recorded one with five lines of `tests.benchmarks.mapping`. Each row was measured in this run, one
after the other and over again; the best round counts, because the rest of the machine only ever adds. What counts is
the difference to the base mapping on the same order.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

from mappings.base import SourceOptions
from mappings.canonical.jsontext import read_json
from mappings.profiles import profiled_source, read_profile
from mappings.profiles.lineage import Trace
from mappings.profiles.source import OverBase
from mappings.profiles.tracing import trace_order
from mappings.registry import SOURCES
from tests.benchmarks.mapping import five_lines, milliseconds
from tests.benchmarks.report import console, goal, table

#: What the design allows on top of the base mapping, in milliseconds.
LIMIT = 0.15

#: 20 rules as integrators write them: twelve for the order, four for each line, two for each address.
RULES = """
profile: benchmark
extends: woocommerce
source:
  order:
    - {to: customer.vat_id, copy: "source.meta_data[?key=='_vat'].value | [0]", then: trim}
    - {to: po_number, default: source.number}
    - {to: note, concatenate: [order.note, source.payment_method_title], with: " / "}
    - {to: payment_terms, copy: source.payment_method, then: [{lookup: {table: payment_term, otherwise: prepaid}}]}
    - {to: customer.email, copy: source.billing.email, then: [trim, {case: lower}]}
    - {to: attributes.channel, constant: webshop}
    - {to: attributes.country, copy: order.billing.country}
    - {to: attributes.vip, when: "number(source.total) > `1000`", constant: "yes"}
    - {to: attributes.via, copy: source.created_via}
    - {to: attributes.agent, copy: source.customer_user_agent, then: [{cut: 40}]}
    - {to: attributes.day, copy: source.date_created, then: [{day: iso}]}
    - {to: tags, copy: "source.coupon_lines[].code"}
  billing:
    - {to: phone, set: digits(this.phone)}
    - {to: company, copy: item.company, then: unescape}
  shipping:
    - {to: phone, set: digits(this.phone)}
    - {to: company, copy: item.company, then: unescape}
  lines:
    - {to: sku, set: upper(item.sku)}
    - {to: attributes.name, copy: item.name, then: [{cut: 20}]}
    - {to: tax_class, default: "'standard'"}
    - {to: attributes.colour, copy: "item.meta_data[?key=='farbe'].value | [0]"}
"""


def cases() -> dict[str, Callable[[], object]]:
    payload, options, base = read_json(five_lines()), SourceOptions(), SOURCES["woocommerce"]
    profile = read_profile(RULES, "benchmark.yaml")
    profiled, program = profiled_source(base, profile), OverBase(base, profile)
    return {
        "base mapping": lambda: base.order(payload, options),
        "with 20 rules": lambda: profiled.order(payload, options),
        "with 20 rules, traced": lambda: program.order(payload, options, Trace()),
        "lineage of every field": lambda: trace_order(base, profile, payload, options),
        "reading the profile": lambda: read_profile(RULES, "benchmark.yaml"),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=12)
    rounds = parser.parse_args().rounds
    functions = cases()
    measured = [{name: milliseconds(function) for name, function in functions.items()} for _ in range(rounds)]
    best = {name: min(figures[name] for figures in measured) for name in functions}
    base = best["base mapping"]
    rows = [
        (name, f"{figure:.3f}", f"{(figure - base) * 1000:,.0f}", f"{figure / base:.2f}")
        for name, figure in best.items()
    ]
    screen = console()
    columns = ("step", "ms an order", "µs on top", "x base mapping")
    screen.print(table("mapping profiles: an order of 5 lines, CPU time", columns, rows))
    screen.print(goal("20 rules on top of the base mapping", best["with 20 rules"] - base, "<=", LIMIT, unit=" ms"))


if __name__ == "__main__":
    main()
