"""What the drain is measured against: an order is an RQ job, a worker does one after the other, nothing is kept.

The job does what ours does to the ERP: customer, sale, confirmation, read back. What it may know already it knows:
articles and customers are asked for once, and its connection is kept. `python -m tests.benchmarks.naive REDIS` works.
"""

from __future__ import annotations

import sys

import requests
from redis import Redis
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer

from connectors.kit.strict_json import loads
from connectors.sandbox.erp import DEFAULT_API_KEY
from mappings.base import SourceOptions, TargetOptions
from mappings.registry import SOURCES, TARGETS
from tests.benchmarks.backlog import CHANNEL

_session = requests.Session()
_session.headers["Authorization"] = f"Bearer {DEFAULT_API_KEY}"
_known = {}


def queue(redis_url):
    return Queue("naive", connection=Redis.from_url(redis_url), serializer=JSONSerializer)


def send(erp, body):
    """The job: `body` is the shop's JSON."""
    order = SOURCES["woocommerce"].order(loads(body), SourceOptions())
    target, options = TARGETS["sandbox_erp"], TargetOptions(channel=CHANNEL)
    refs = target.references(order, options)
    for kind, path in (("product", "products"), ("party", "parties")):
        codes = [ref.value for ref in refs if ref.kind == kind and ref not in _known]
        if codes:
            found = _session.get(f"{erp}/api/{path}", params=[("code", code) for code in codes], timeout=10).json()
            by_code = {record["code"]: record for record in found[path]}
            _known.update({ref: by_code[ref.value] for ref in refs if ref.kind == kind and ref.value in by_code})
    party = target.party(order, _known, options)
    if party is not None:
        ref = next(ref for ref in refs if ref.kind == "party")
        _known[ref] = _post(erp, "parties", [party])[0]["party"]
    sale = target.sale(order, _known, options) | {"shop": "crossdock"}
    number = _post(erp, "sales", [sale])[0]["sale"]["id"]
    _post(erp, "sales/advance", {"ids": [number], "state": "confirmed"})
    _session.get(f"{erp}/api/sales", params={"id": number}, timeout=10).raise_for_status()


def _post(erp, path, body):
    answer = _session.post(f"{erp}/api/{path}", json=body, timeout=10)
    answer.raise_for_status()
    return answer.json()["results"]


if __name__ == "__main__":
    jobs = queue(sys.argv[1])
    SimpleWorker([jobs], connection=jobs.connection, serializer=JSONSerializer).work(
        burst=True, logging_level="WARNING"
    )
