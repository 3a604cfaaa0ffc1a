"""What a mapping profile of 20 rules adds to one order, in CPU time of one core.

    .venv/bin/python -m tests.benchmarks.profiles [--rounds 60]

The order is the recorded one with five lines of `tests.benchmarks.mapping`. Every step is measured in each of many
short rounds, one after the other, so that whatever else the machine does falls on all of them alike; what counts is the
ratio to the base mapping of the same round, in the middle of all rounds. Microseconds are that ratio times the best
round of the base mapping: what it would be on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import statistics
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
#: Of each step in one round: short enough for the machine to be the same in all of it.
CALLS = 20

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


def interleaved(functions: dict[str, Callable[[], object]], rounds: int) -> list[dict[str, float]]:
    """CPU time of one call of each, in milliseconds, a round after the other."""
    return [{name: milliseconds(function, CALLS) for name, function in functions.items()} for _ in range(rounds)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=60)
    functions = cases()
    measured = interleaved(functions, parser.parse_args().rounds)
    base = min(figures["base mapping"] for figures in measured)
    ratios = {name: [figures[name] / figures["base mapping"] for figures in measured] for name in functions}
    middle = {name: statistics.median(found) for name, found in ratios.items()}
    rows = []
    for name, found in ratios.items():
        low, high = (sorted(found)[int(len(found) * part)] for part in (0.1, 0.9))
        extra = f"{(middle[name] - 1) * base * 1000:,.0f}"
        rows.append((name, f"{middle[name]:.2f}", f"{low:.2f} to {high:.2f}", extra))
    screen = console()
    columns = ("step", "x base mapping", "eight of ten rounds", "µs on top")
    screen.print(table(f"mapping profiles: an order of 5 lines, base mapping {base:.3f} ms", columns, rows))
    extra_ms = (middle["with 20 rules"] - 1) * base
    screen.print(goal("20 rules on top of the base mapping", extra_ms, "<=", LIMIT, unit=" ms"))


if __name__ == "__main__":
    main()
