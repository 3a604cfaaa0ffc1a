"""One source and one ERP with Crossdock between them."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

from config.model import DocumentState
from sync.store.engine import Store
from tests.matrix.erps import Erp
from tests.matrix.sources import Source
from tests.sync.flows.trade import CHANNEL, Hub


class Lane(Hub):
    """Of one pair; close it when it is no longer needed."""

    def __init__(self, store: Store, source: Source, erp: Erp) -> None:
        server: SimpleNamespace = SimpleNamespace(plan=None, url=source.account.url)
        policies = {"document_state": DocumentState.CONFIRMED, "target": erp.target}
        super().__init__(store, server, None, erp.account, selling=source.account, policies=policies)
        channels, self.source = self.config.channels, source
        channels[CHANNEL] = dataclasses.replace(channels[CHANNEL], profile=source.profile)

    def carry(self) -> None:
        """Take what is new in the source, and work it off."""
        self.source.bring(self)
        self.drain()
