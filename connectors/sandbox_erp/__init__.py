"""The sandbox ERP as a target for sales and all that follows: the smallest complete ERP connector, and the example.

API: `connectors/sandbox/erp/app.py`. Options of a connection: `shop` (whose sales these are, default `crossdock`),
`enforced_key` (the ERP refuses a second sale, refund or party with our key, default true), `enforced_reference` (and a
second payment with our reference, default false), `bulk` (documents per call, 1 to 50, default 1: a window of single
calls hides the latency as well and loses less to one lost reply), `settle_bound_s` (default: what the sandbox
declares), `cache_s` (how long a resolved reference is believed, default 300).

`connector` is the class, `client` the calls and what their refusals mean, and each other module one thing that it does.
"""

from connectors.sandbox_erp.connector import SandboxErp

__all__ = ["SandboxErp"]
