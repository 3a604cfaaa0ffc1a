"""Customers and staff: they order, change, cancel, send goods, give money back and count stock while all goes wrong.

What they want is drawn from the seed; when it happens depends on who answers. What came of it is read in the ledgers
and nowhere else, so nothing here has to be exact.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import heapq
import http.client
import itertools
import json
import random
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from connectors.kit.base import Rank
from connectors.kit.errors import ConnectorError
from connectors.sandbox.woocommerce.deliveries import sign
from connectors.sandbox_erp import SandboxErp
from connectors.woocommerce import WooCommerce
from tests.chaos.services import Sandbox

#: Between two orders, in seconds.
ORDER_EVERY_S: Final = (0.2, 0.7)
COUNT_EVERY_S: Final = (3.0, 6.0)
#: How long somebody who was not served waits before they ask again.
_AGAIN_S: Final = 0.7
_WEB_S: Final = 10.0

#: What becomes of an order: its steps, each so many seconds after the one before.
#: From an order to what its gateway's plugin writes of the fee, in seconds.
FEE_AFTER_S: Final = (0.0, 8.0)
FATES: Final[tuple[tuple[int, tuple[tuple[str, float, float], ...]], ...]] = (
    (20, ()),
    (15, (("edit", 0.0, 2.0),)),
    (10, (("cancel", 0.2, 6.0),)),
    (5, (("edit", 0.0, 2.0), ("cancel", 0.2, 4.0))),
    (10, (("annotate", 0.5, 6.0), ("ship", 1.0, 8.0))),
    (25, (("ship", 0.5, 8.0),)),
    (15, (("ship", 0.5, 6.0), ("refund", 1.0, 6.0))),
)


@dataclasses.dataclass(order=True, slots=True)
class _Errand:
    due: float
    number: int
    do: Callable[[float], bool] = dataclasses.field(compare=False)


class Load:
    """All people of one run. `work` does what is due and comes back; nothing of it waits long."""

    def __init__(
        self, seed: int, shop: Sandbox, erp: Sandbox, *, connector: WooCommerce, books: SandboxErp, channel: str
    ):
        self._dice, self._fees = random.Random(f"load {seed}"), random.Random(f"fees {seed}")
        self._shop, self._erp, self._connector, self._books, self._channel = shop, erp, connector, books, channel
        self._errands: list[_Errand] = []
        self._numbers = itertools.count(1)
        self._open = True
        #: How often what was done.
        self.done: dict[str, int] = {}
        self._at(0.0, self._place)
        self._at(2.0, self._count)

    @property
    def waiting(self) -> int:
        """Errands that are not done yet."""
        return len(self._errands)

    def close(self) -> None:
        """No new orders and no counting from now on."""
        self._open = False

    def work(self, now_s: float) -> None:
        """Do one errand that is due by now; so that who calls can look at other things in between."""
        if self._errands and self._errands[0].due <= now_s:
            errand = heapq.heappop(self._errands)
            try:
                served = errand.do(now_s)
            except (OSError, ConnectorError, http.client.HTTPException):
                served = False
            if not served:
                self._at(now_s + _AGAIN_S, errand.do)

    def _at(self, due_s: float, do: Callable[[float], bool]) -> None:
        heapq.heappush(self._errands, _Errand(due_s, next(self._numbers), do))

    def _note(self, what: str) -> bool:
        self.done[what] = self.done.get(what, 0) + 1
        return True

    # --- customers ----------------------------------------------------------------------------------------------

    def _place(self, now_s: float) -> bool:
        if not self._open:
            return True
        [order] = self._shop.ask("orders", {"count": 1, "seed": self._dice.randrange(10**6), "variety": "demo"})["ids"]
        [fate] = self._dice.choices([steps for _, steps in FATES], [weight for weight, _ in FATES])
        self._live(now_s, str(order), fate)
        self._at(now_s + self._fees.uniform(*FEE_AFTER_S), lambda _: self._settle(str(order)))
        self._at(now_s + self._dice.uniform(*ORDER_EVERY_S), self._place)
        return self._note("orders")

    def _live(self, now_s: float, order: str, steps: tuple[tuple[str, float, float], ...]) -> None:
        if not steps:
            return
        (what, least_s, most_s), rest = steps[0], steps[1:]

        def do(at_s: float) -> bool:
            if not getattr(self, f"_{what}")(order):
                return False
            self._live(at_s, order, rest)
            return self._note(what)

        self._at(now_s + self._dice.uniform(least_s, most_s), do)

    def _edit(self, order: str) -> bool:
        line = self._payload(order)["line_items"][0]
        lines = [{"id": line["id"], "quantity": int(line["quantity"]) + 1}]
        self._shop.ask(f"orders/{order}/edit", {"lines": lines})
        return True

    def _annotate(self, order: str) -> bool:
        self._shop.ask(f"orders/{order}/edit", {"customer_note": f"leave {order} at the door"})
        return True

    def _cancel(self, order: str) -> bool:
        self._shop.ask(f"orders/{order}/cancel", {})
        return True

    def _settle(self, order: str) -> bool:
        """The gateway's plugin writes what was kept, of an order that is paid and worth more than that."""
        payload = self._payload(order)
        fee = f"{payload['total'] * 0.014 + 0.25:.2f}"
        if payload["date_paid_gmt"] and float(fee) < payload["total"]:
            kept = {"_stripe_fee": fee, "_stripe_currency": payload["currency"]}
            meta = [{"key": key, "value": value} for key, value in kept.items()]
            self._shop.ask(f"orders/{order}/edit", {"meta_data": meta})
            return self._note("fees")
        return True

    def _refund(self, order: str) -> bool:
        """One piece of the first line, unless that is nearly all that the order is worth."""
        payload = self._payload(order)
        line = payload["line_items"][0]
        share = (line["total"] + line["total_tax"]) / line["quantity"]
        if 0 < share * 2 < payload["total"]:
            self._shop.ask(f"orders/{order}/refund", {"lines": {str(line["id"]): 1}, "restock": False})
        return True

    def _payload(self, order: str) -> Any:
        [envelope] = self._connector.fetch_orders([order])
        payload: Any = dict(envelope.payload)
        lines = [{**line, **_amounts(line, "total", "total_tax")} for line in payload["line_items"]]
        return {**payload, **_amounts(payload, "total"), "line_items": lines}

    # --- the ERP's people ---------------------------------------------------------------------------------------

    def _ship(self, order: str) -> bool:
        """As soon as the ERP has the sale; what was left out there in the meantime is nobody's errand any more."""
        key = f"{self._channel}:{order}"
        standing = [sale for sale in self._books.find_sales([key]).get(key, ()) if sale.rank is Rank.CONFIRMED]
        if not standing:
            return False
        sent = {"tracking": [{"number": f"P{order}", "url": ""}], "carrier": "DHL"}
        self._erp.ask(f"sales/{standing[0].external_id}/send", sent)
        return True

    def _count(self, now_s: float) -> bool:
        if not self._open:
            return True
        code = self._dice.choice(("TEE-ASSAM-100", "KANNE-GLAS", "TASSE-ROT", "TASSE-BLAU", "1E5", "TEE-00001"))
        self._erp.ask("stock", {"code": code, "quantity": str(self._dice.randint(500, 900))}, method="PUT")
        self._at(now_s + self._dice.uniform(*COUNT_EVERY_S), self._count)
        return self._note("counts")


def _amounts(row: Any, *names: str) -> dict[str, float]:
    """Good enough to decide by."""
    return {name: float(row[name]) for name in names}


class Replays:
    """Deliveries that somebody captured and sends again: old ones after new ones, and several times at once.

    What was answered with 2xx is written to a file of its own: an event must stand for each of them.
    """

    def __init__(self, web_url: str, secret: str, captured: Path, answered: Path):
        self._address = urlsplit(web_url)
        self._secret, self._captured, self._answered = secret, captured, answered
        self._lock = threading.Lock()
        self._pool = concurrent.futures.ThreadPoolExecutor(4, thread_name_prefix="replay")
        #: How many were answered with which status; 0 for none.
        self.statuses: dict[int, int] = {}

    def flood(self, count: int, dice: random.Random) -> None:
        """So many of what the shop has sent so far, in any order; answers before they are sent."""
        if self._captured.exists() and (lines := self._captured.read_text("utf-8").splitlines()):
            for line in dice.choices(lines, k=count):
                self._pool.submit(self._send, json.loads(line))

    def close(self) -> None:
        """Wait for the last one."""
        self._pool.shutdown()

    def _send(self, delivery: dict[str, Any]) -> None:
        body = delivery["body"].encode()
        headers = {
            "Content-Type": "application/json",
            "X-WC-Webhook-Topic": delivery["topic"],
            "X-WC-Webhook-Signature": sign(body, self._secret),
        }
        status = self._post(body, headers)
        with self._lock:
            self.statuses[status] = self.statuses.get(status, 0) + 1
            if 200 <= status < 300:
                with self._answered.open("a", encoding="utf-8") as file:
                    file.write(json.dumps({**delivery, "status": status}) + "\n")

    def _post(self, body: bytes, headers: dict[str, str]) -> int:
        connection = http.client.HTTPConnection(self._address.hostname or "", self._address.port, timeout=_WEB_S)
        try:
            connection.request("POST", self._address.path, body, headers)
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            connection.close()
