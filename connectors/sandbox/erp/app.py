"""The HTTP side of the sandbox ERP: a bearer key, bulk everywhere, errors as `{"code", "message", "field"}`.

`api_sales` has the routes of products, parties and sales, `api_facets` those of what hangs on a sale, and of stock.

A result is `{"ok": true, "sale"|"party"|"refund": {..}}` or `{"ok": false, "error": {..}}`, in the order of the input.
With `atomic` the first bad item refuses the call and nothing of it is kept; its `field` begins with `[index]`.
"""

from __future__ import annotations

import hmac
import threading
import time
from collections.abc import Callable

from connectors.sandbox.erp.api_facets import add_facet_routes
from connectors.sandbox.erp.api_sales import Route, add_sales_routes
from connectors.sandbox.erp.books import Books
from connectors.sandbox.erp.calls import Commit, refusal
from connectors.sandbox.erp.documents import Refused
from connectors.sandbox.exchange import Request, Response, Router


class ErpApp:
    """Answers requests on `books`. `latency_s` is spent between decision and commit, as in a slow database.

    `concurrency` is how many requests are worked on at once, None for any number; others wait their turn. A request
    with `Sent-At` (seconds since 1970) commits nothing later than `settle_s` after it, even if it waited in a socket
    while this process stood still: then it is refused as `too_late`.
    """

    def __init__(
        self,
        books: Books,
        *,
        api_key: str,
        latency_s: float = 0.0,
        concurrency: int | None = None,
        settle_s: float = 5.0,
    ) -> None:
        self.books = books
        self.latency_s = latency_s
        self._settle_s = settle_s
        self._authorization = f"Bearer {api_key}".encode()
        self._turns = threading.BoundedSemaphore(concurrency) if concurrency else None
        self._routes: Router[Route] = Router()
        add_sales_routes(self._routes)
        add_facet_routes(self._routes)

    def __call__(self, request: Request) -> Response:
        """Decide, spend the latency, commit."""
        if self._turns is None:
            return self._work(request)
        with self._turns:
            return self._work(request)

    def decide(self, request: Request) -> Commit:
        """Check `request` and give its ids now; what it does happens when the answer is called."""
        try:
            commit = self._decide(request)
            latest = self._latest(request)
        except Refused as refused:
            return refusal(refused)

        def guarded() -> Response:
            try:
                self._check_time(latest)
                return commit()
            except Refused as refused:
                return refusal(refused)()

        return guarded

    def _work(self, request: Request) -> Response:
        commit = self.decide(request)
        if self.latency_s:
            time.sleep(self.latency_s)
        return commit()

    def _decide(self, request: Request) -> Callable[[], Response]:
        sent = request.headers.get("authorization", "").encode()
        if not hmac.compare_digest(sent, self._authorization):
            raise Refused(401, "unauthorized", "the key is missing or wrong")
        found = self._routes.find(request.method, request.path)
        if found is None:
            raise Refused(404, "no_route", f"there is no {request.method} {request.path}")
        route, segments = found
        return route(self.books, request, **segments)

    def _latest(self, request: Request) -> float:
        sent_at = request.headers.get("sent-at", "inf")
        try:
            return float(sent_at) + self._settle_s
        except ValueError:
            raise Refused(400, "bad_request", f"Sent-At must be seconds since 1970, not {sent_at!r}") from None

    def _check_time(self, latest: float) -> None:
        if time.time() > latest:
            raise Refused(408, "too_late", f"it is more than {self._settle_s} s after Sent-At")
