"""A small fast ERP over HTTP with an append-only ledger: the target of the demo, the chaos runs and the benchmarks.

`python -m connectors.sandbox.erp --port 0 --ledger erp.ledger` runs it; `with running_erp() as erp:` is for tests.
"""

from connectors.sandbox.erp.process import DEFAULT_API_KEY, ErpOptions, RunningErp, run, running_erp

__all__ = ["DEFAULT_API_KEY", "ErpOptions", "RunningErp", "run", "running_erp"]
