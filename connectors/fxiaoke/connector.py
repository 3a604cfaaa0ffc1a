"""The connector: what `sync` asks of a company on Fxiaoke."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

from connectors.fxiaoke import orders
from connectors.fxiaoke.checkup import CHECKS, Checkup
from connectors.fxiaoke.client import Client
from connectors.fxiaoke.orders import Orders
from connectors.fxiaoke.tenant import read_tenant
from connectors.kit.base import (
    ConnectorSettings,
    Diagnoses,
    DocumentSummary,
    Envelope,
    FetchesOrders,
    LinksDocuments,
    ListsOrders,
    Page,
    PullsOrders,
    RewindsPulls,
    Throttle,
)
from connectors.kit.findings import Circumstances, Finding


class Fxiaoke(PullsOrders, RewindsPulls, FetchesOrders, ListsOrders, Diagnoses, LinksDocuments):
    """One company on Fxiaoke. Thread-safe. Its options are `tenant.OPTIONS`."""

    fetch_batch = 50
    #: Each interface takes five calls a second, whoever sends them.
    concurrency = 2
    checks = CHECKS

    def __init__(self, settings: ConnectorSettings, *, throttle: Throttle | None = None, dry_run: bool = False) -> None:
        """Raises ConnectionBroken naming what is wrong in the settings."""
        self._tenant = read_tenant(settings.options)
        self._client = Client(settings, self._tenant, throttle=throttle, dry_run=dry_run)
        self._orders = Orders(self._client, self._tenant, dt.timedelta(seconds=settings.overlap_s))

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    # -- LinksDocuments --------------------------------------------------------------------------------------

    def link(self, kind: str, external_id: str) -> str:
        """The order's page, by the option `order_page`: where it is differs from cloud to cloud."""
        return self._tenant.order_page.replace("{id}", external_id) if kind == "order" else ""

    # -- PullsOrders -----------------------------------------------------------------------------------------

    def pull_orders(self, checkpoint: str | None, *, since: dt.datetime | None = None) -> Iterator[Page]:
        """Changed orders, oldest change first, then those of which only a line has changed; at least one page.

        A checkpoint steps back by the overlap, `since` does not. An order can come more than once, newest state last.
        """
        return self._orders.pull(checkpoint, since)

    def checkpoint_at(self, moment: dt.datetime) -> str:
        """From here a pull reads whatever was changed at `moment` or later, and the overlap before it."""
        return orders.checkpoint_at(moment)

    @staticmethod
    def checkpoint_moment(checkpoint: str) -> dt.datetime:
        """Up to when everything has been read."""
        return orders.checkpoint_moment(checkpoint)

    # -- FetchesOrders ---------------------------------------------------------------------------------------

    def fetch_orders(self, external_ids: Sequence[str]) -> list[Envelope]:
        """The current state of each id, in the order asked for; one that is not shown counts as deleted.

        Raises Transient, ConnectionBroken, RecordRejected for an id that can be none.
        """
        return self._orders.fetch(external_ids)

    # -- ListsOrders -----------------------------------------------------------------------------------------

    def list_orders(self, since: dt.datetime, until: dt.datetime) -> Iterator[DocumentSummary]:
        """Every order entered in the window, each once, whatever its state."""
        return self._orders.list_all(since, until)

    # -- Diagnoses -------------------------------------------------------------------------------------------

    def diagnose(self, circumstances: Circumstances) -> Iterator[Finding]:
        """See `checkup.CHECKS`."""
        return Checkup(self._client, self._tenant).run(circumstances)
