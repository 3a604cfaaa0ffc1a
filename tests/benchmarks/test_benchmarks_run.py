"""Each benchmark runs to its end in a tiny configuration, so that none can rot; what it measures is not judged here."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.benchmarks.__main__ import BENCHMARKS
from tests.shared import REPOSITORY, THOROUGH

pytestmark = [pytest.mark.loopback, pytest.mark.slow, pytest.mark.heavy, pytest.mark.timeout(600)]

TINY = {
    "accept": ["--seconds", "0.2", "--database", "sqlite", "--saturated"],
    "calls": ["--orders", "2", "--erp", "odoo"],
    "console": ["--orders", "700", "--rounds", "1"],
    "costs": ["--orders", "10", "--per-s", "5", "--seconds", "1"],
    "desk": ["--orders", "300", "--rounds", "1", "--causes", "1"],
    "drain": ["--orders", "12", "--naive", "3", "--rounds", "1"],
    "mapping": ["--rounds", "1"],
    "profiles": ["--rounds", "1"],
    "resync": ["--orders", "120", "--rounds", "1"],
    "scaling": ["--orders", "12", "--workers", "2"],
    "stock": ["--articles", "120", "--rounds", "1"],
}
# `scaling` drains the same backlog by the same means, and on both databases; `drain` itself is in the thorough run.
#: What each must have printed: figures of ours beside those of a peer or a limit.
SHOWN = {
    "accept": ["null Flask handler", "shipped, busy", "of the null handler"],
    "calls": ["woocommerce", "fxiaoke", "calls of Odoo for an order"],
    "console": ["tab: needs you", "search: SKU", "worst list with its counts"],
    "costs": ["all statements", "confirmed in the ERP", "memory of web and worker"],
    "desk": ["page: issue, last fifty", "each document counted (limit)", "released orders", "worst page or answer"],
    "drain": ["load generator", "naive", "shipped", "reached  faults after a worker's kill -9"],
    "mapping": ["orjson.loads (limit)", "order -> our JSON"],
    "profiles": ["base mapping", "with 20 rules", "20 rules on top of the base mapping"],
    "stock": ["bare client", "reached  write calls where nothing has changed"],
    "scaling": ["sqlite", "postgres", "MB per 100,000", "reached  faults in the ERP's ledger"],
    "resync": ["bare client", "reached  tables changed but the checkpoints", "reached  items to be looked at"],
}


def test_every_benchmark_has_a_tiny_configuration():
    assert sorted(TINY) == sorted(SHOWN) == sorted(BENCHMARKS)


@pytest.mark.parametrize("name", TINY if THOROUGH else sorted(TINY.keys() - {"drain"}))
def test_it_runs_to_its_end_and_prints_its_table(name):
    ran = subprocess.run(
        [sys.executable, "-m", f"tests.benchmarks.{name}", *TINY[name]],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert [text for text in SHOWN[name] if text not in ran.stdout] == []
