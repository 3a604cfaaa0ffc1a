"""The connector: what `sync` asks of a WooCommerce shop."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from requests.auth import AuthBase

from connectors.kit.answers import Response
from connectors.kit.auth import Basic, OAuth1, QueryKeys
from connectors.kit.base import (
    ConnectorSettings,
    Delivery,
    Diagnoses,
    DocumentSummary,
    Envelope,
    FetchesOrders,
    JsonDict,
    KeyDeclaration,
    LinksDocuments,
    ListsOrders,
    ManagesWebhooks,
    Page,
    PullsOrders,
    ReceivesWebhooks,
    RewindsPulls,
    Subscription,
    Throttle,
)
from connectors.kit.errors import ConnectionBroken
from connectors.kit.facets import (
    DetailsRefunds,
    ListsRefunds,
    MakesRefunds,
    MarksOrders,
    RefundSummary,
    TakesFulfilments,
    TakesNotes,
)
from connectors.kit.findings import Circumstances, Finding
from connectors.kit.http import HttpClient
from connectors.kit.options import Options
from connectors.kit.stock import ShopStock, StockResult, StockTarget, StockWrite
from connectors.kit.words import say
from connectors.woocommerce import codes, webhooks
from connectors.woocommerce.checkup import CHECKS, Checkup
from connectors.woocommerce.fulfilments import Fulfilments
from connectors.woocommerce.lists import MAX_PER_PAGE
from connectors.woocommerce.marks import Marks
from connectors.woocommerce.orders import Orders, checkpoint_moment
from connectors.woocommerce.refunds import Refunds
from connectors.woocommerce.stock import BULK, Stock

_API = "wp-json/wc/v3"
_DEADLINE_S = 60.0
_WRITE_DEADLINE_S = 30.0
#: Every state there is: "any" is all but the trash and what a checkout has not finished.
_STATUSES = ("any", "trash")
_OPTIONS = frozenset({"admin_url", "per_page", "statuses"})


class WooCommerce(
    PullsOrders,
    RewindsPulls,
    FetchesOrders,
    ListsOrders,
    ReceivesWebhooks,
    ManagesWebhooks,
    Diagnoses,
    LinksDocuments,
    DetailsRefunds,
    ListsRefunds,
    MakesRefunds,
    TakesFulfilments,
    MarksOrders,
    TakesNotes,
    StockTarget,
):
    """One WooCommerce shop. Thread-safe.

    Options: `per_page` (1 to 100), `statuses` (lists to read, default `any` and `trash`; add `checkout-draft` or the
    slug of a plugin that hides its own), `admin_url` (of the dashboard, where it is not `/wp-admin` of the shop).
    """

    fetch_batch = 50
    #: More calls in flight only make each other wait in PHP.
    concurrency = 2
    stock_bulk = BULK
    #: It takes the quantity that it is given, whoever sold something meanwhile.
    compares_stock = False
    #: `products/{parent}/variations/batch`.
    writes_by_parent = True
    order_keys: Mapping[str, KeyDeclaration] = MappingProxyType(
        {
            "fulfilment": KeyDeclaration(key_field="meta_data._crossdock_key", enforced=False, same_call=True),
            "note": KeyDeclaration(key_field="note", enforced=False, same_call=True),
            # The last words of its reason, which the shop writes with the refund itself.
            "refund": KeyDeclaration(key_field="reason", enforced=False, same_call=True),
            # One entry of each name: writing it again changes that one.
            "mark": KeyDeclaration(key_field="meta_data.key", enforced=True, same_call=True),
        }
    )
    checks = CHECKS

    def __init__(self, settings: ConnectorSettings, *, throttle: Throttle | None = None, dry_run: bool = False) -> None:
        """Raises ConnectionBroken naming what is wrong in the settings."""
        options = Options("woocommerce", settings.options, _OPTIONS)
        per_page = options.whole("per_page", MAX_PER_PAGE, 1, MAX_PER_PAGE)
        statuses = options.texts("statuses", _STATUSES)
        self._admin_url = options.address("admin_url", f"{_api_url(settings.url).removesuffix(_API)}wp-admin")
        self._webhook_secrets = settings.webhook_secrets
        common: dict[str, Any] = {
            # Caches in front of shops answer yesterday's page; some heed this, the others see a new query each time.
            "headers": {"Cache-Control": "no-cache"},
            "deadline_s": settings.deadline_s or _DEADLINE_S,
            "read_timeout_s": settings.deadline_s or _DEADLINE_S,
            "allow_hosts": settings.allow_hosts,
            "ca_file": settings.ca_file,
            "throttle": throttle,
            "dry_run": dry_run,
            "classifier": codes.classify,
            "secrets": (settings.key, settings.secret, *settings.webhook_secrets),
        }
        self._http = HttpClient(_api_url(settings.url), auth=_auth(settings), **common)
        #: The longest deadline of any of the writes. Leases are as long as three of them, and so is the time for which
        #: a killed worker's orders rest: a shop that takes longer for one order or a hundred quantities is ill.
        self.write_deadline_s = min(self._http.deadline_s, _WRITE_DEADLINE_S)
        times = {"deadline_s": self.write_deadline_s, "read_timeout_s": self.write_deadline_s}
        self._writer = HttpClient(_api_url(settings.url), auth=_auth(settings), **{**common, **times})
        self._orders = Orders(self._get, statuses, per_page, dt.timedelta(seconds=settings.overlap_s))
        self._marks = Marks(self._writer, self._get, self._orders.fetch_one)
        self._fulfilments = Fulfilments(self._writer)
        self._stock = Stock(self._writer, self._get)
        self._refunds = Refunds(self._get, self._orders.changes, per_page)
        #: The shop's front door, without credentials; for the check-up alone.
        self._site = HttpClient(_api_url(settings.url).removesuffix(f"/{_API}"), **common)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()
        self._writer.close()
        self._site.close()

    # -- LinksDocuments --------------------------------------------------------------------------------------

    def link(self, kind: str, external_id: str) -> str:
        """The order's page in the dashboard; WooCommerce leads from here to wherever it keeps its orders."""
        if kind != "order" or not (external_id.isascii() and external_id.isdecimal()):
            return ""
        return f"{self._admin_url}/post.php?post={external_id}&action=edit"

    # -- PullsOrders -----------------------------------------------------------------------------------------

    def pull_orders(self, checkpoint: str | None, *, since: dt.datetime | None = None) -> Iterator[Page]:
        """Changed orders, oldest change first, of each status list in turn; at least one page.

        A checkpoint steps back by the overlap, `since` does not. An order can come more than once, newest state last.
        """
        return self._orders.pull(checkpoint, since)

    def checkpoint_at(self, moment: dt.datetime) -> str:
        """From here a pull reads whatever was changed at `moment` or later, and the overlap before it."""
        return self._orders.checkpoint_at(moment)

    @staticmethod
    def checkpoint_moment(checkpoint: str) -> dt.datetime:
        """The newest change that was read. A list in which nothing ever changes (the trash) stays behind."""
        return checkpoint_moment(checkpoint)

    # -- FetchesOrders ---------------------------------------------------------------------------------------

    def fetch_orders(self, external_ids: Sequence[str]) -> list[Envelope]:
        """The current state of each id, in the order asked for.

        The list leaves out the trash and what the key's user may not see, so what is missing there is asked for alone.
        Raises Transient, ConnectionBroken, RecordRejected for an id that is no WooCommerce id.
        """
        return self._orders.fetch(external_ids)

    # -- DetailsRefunds --------------------------------------------------------------------------------------

    def fetch_refunds(self, external_id: str) -> list[JsonDict]:
        """All refunds of one order, oldest first: `amount` positive and gross, lines negative and net.

        Raises RecordRejected (code `codes.GONE`) when the order is gone.
        """
        return self._marks.refunds(external_id)

    # -- MakesRefunds ----------------------------------------------------------------------------------------

    def create_refund(self, external_id: str, payload: JsonDict) -> JsonDict:
        """One more, whatever there is: look first. A refund of all that is left sets the order to `refunded`."""
        return self._marks.give_back(external_id, payload)

    # -- ListsRefunds ----------------------------------------------------------------------------------------

    def list_refunds(self, since: dt.datetime, until: dt.datetime) -> Iterator[RefundSummary]:
        """Every refund made in the window, each once, in the currency of its order."""
        return self._refunds.listed(since, until)

    # -- TakesFulfilments ------------------------------------------------------------------------------------

    def takes_fulfilments(self) -> bool:
        """Whether the feature is switched on, as far as we know from the last quarter of an hour."""
        return self._fulfilments.switched_on()

    def list_fulfilments(self, external_id: str) -> list[JsonDict]:
        """All of one order, oldest first, `is_fulfilled` as a truth value.

        Raises RecordRejected when the order is gone, or (code `codes.NO_ROUTE`) the feature is switched off.
        """
        return self._fulfilments.listed(external_id)

    def create_fulfilment(self, external_id: str, payload: JsonDict) -> JsonDict:
        """One more, whatever there is: look first. Does not change the order's state."""
        return self._fulfilments.create(external_id, payload)

    def update_fulfilment(self, external_id: str, fulfilment_id: str, payload: JsonDict) -> JsonDict:
        """Change one, with what plugins added to it kept; without a call where it shows the payload already."""
        return self._fulfilments.update(external_id, fulfilment_id, payload)

    # -- MarksOrders -----------------------------------------------------------------------------------------

    def update_order(self, external_id: str, payload: JsonDict) -> Envelope:
        """Read the order and send what differs from it: one or two calls.

        Raises RecordRejected when the order is gone or takes the value not (an unknown state), and what writes raise.
        """
        return self._marks.update(external_id, payload)

    # -- TakesNotes ------------------------------------------------------------------------------------------

    def list_notes(self, external_id: str) -> list[JsonDict]:
        """All notes of one order, oldest first. Raises RecordRejected when the order is gone."""
        return self._marks.notes(external_id)

    def add_note(self, external_id: str, payload: JsonDict) -> JsonDict:
        """One more, whatever there is: look first. Moves no `date_modified` and fires no webhook."""
        return self._marks.add_note(external_id, payload)

    # -- StockTarget -----------------------------------------------------------------------------------------

    def find_stock(self, skus: Sequence[str]) -> dict[str, list[ShopStock]]:
        """A call for each hundred SKUs, and for each that holds a comma. Raises Transient, ConnectionBroken."""
        return self._stock.find(skus)

    def write_stock(self, writes: Sequence[StockWrite]) -> list[StockResult]:
        """A call for each hundred products, and for each parent with variations that are counted for themselves.

        RecordRejected before any call: a fraction, an article that the shop does not count, and variations that the
        shop counts together while they are to be different.
        """
        return self._stock.write(writes)

    # -- ListsOrders -----------------------------------------------------------------------------------------

    def list_orders(self, since: dt.datetime, until: dt.datetime) -> Iterator[DocumentSummary]:
        """Every order placed in the window, each once, whatever its state; deleted ones are nowhere any more."""
        return self._orders.list_all(since, until)

    # -- webhooks --------------------------------------------------------------------------------------------

    def verify_webhook(self, body: bytes, headers: Mapping[str, str]) -> Delivery:
        """Raises SignatureInvalid. Topics other than `order.*` are `ignored`."""
        return webhooks.verify(body, headers, self._webhook_secrets)

    @property
    def has_webhook_secret(self) -> bool:
        """One of the connection's `webhook_secrets`."""
        return bool(self._webhook_secrets)

    def ensure_subscriptions(self, delivery_url: str) -> list[tuple[Subscription, str]]:
        """`order.created`, `.updated`, `.deleted` and `.restored`, signed with the first of our secrets.

        Raises ConnectionBroken when the key may only read, RecordRejected when the shop does not take the address.
        """
        return webhooks.ensure(self._http, delivery_url, self._webhook_secrets)

    def list_subscriptions(self, delivery_url: str) -> list[Subscription]:
        """One of each topic, as the shop has it."""
        return webhooks.listed(self._http, delivery_url)

    # -- Diagnoses -------------------------------------------------------------------------------------------

    def diagnose(self, circumstances: Circumstances) -> Iterator[Finding]:
        """See `checkup.CHECKS`."""
        secret = self.has_webhook_secret
        return Checkup(self._site, self._http, self._get, self.list_subscriptions, has_webhook_secret=secret).run(
            circumstances
        )

    # -- calls ---------------------------------------------------------------------------------------

    def _get(self, path: str, params: Mapping[str, str | int]) -> Response:
        return self._http.get(path, {**params, "_nocache": secrets.token_hex(8)})


def _api_url(url: str) -> str:
    """The shop's address, with or without a trailing slash, in a sub-folder or not, as people paste it."""
    base = url.rstrip("/")
    for tail in ("/" + _API, "/wp-json/wc", "/wp-json"):
        base = base.removesuffix(tail)
    return f"{base.rstrip('/')}/{_API}"


def _auth(settings: ConnectorSettings) -> AuthBase:
    secure = settings.url.lower().startswith("https://")
    method = settings.auth_method or ("basic" if secure else "oauth1")
    if not settings.key or not settings.secret:
        raise ConnectionBroken(say("auth of the connection needs `key` (ck_...) and `secret` (cs_...)"))
    if method == "oauth1":
        return OAuth1(settings.key, settings.secret)
    if method not in {"basic", "query"}:
        msg = say("WooCommerce has no auth method %(method)s; it knows basic, query and oauth1", method=repr(method))
        raise ConnectionBroken(msg)
    if not secure:
        msg = say(
            "over plain HTTP WooCommerce ignores auth method %(method)s, and anybody could read the secret; use oauth1",
            method=method,
        )
        raise ConnectionBroken(msg)
    if method == "basic":
        return Basic(settings.key, settings.secret)
    return QueryKeys(consumer_key=settings.key, consumer_secret=settings.secret)
