"""Reading an ERP's stock: what moved since the last time, some articles, or all. The ledger keeps what it says."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterable, Sequence

from config.model import Config
from connectors.kit.errors import ConnectorError
from connectors.kit.stock import StockSource
from mappings.canonical.words import say
from sync.store.checkpoints import load_checkpoint, save_checkpoint
from sync.store.engine import Store
from sync.store.stock.captured import awaited_articles
from sync.store.stock.levels import CHANGES, Read, begin_reading, known_articles, note_away, save_levels


class NoSuchPlace(ConnectorError):
    """The configuration names a warehouse that the ERP does not have."""


@dataclasses.dataclass(frozen=True, slots=True)
class Reader:
    """How one ERP connection is read: every place that any of its channels shows, or sends orders from."""

    store: Store
    config: Config
    erp: str
    source: StockSource
    #: Called after each call and each piece that was saved.
    progress: Callable[[], object] = lambda: None

    def changed(self) -> int:
        """Read what moved since the last time, and what orders wait for; everything where nothing was read before.

        Answers how many articles were asked for. Raises what the ERP raises; the ledger then says why it is old.
        """
        try:
            count = self._changed()
        except ConnectorError as error:
            self._note(error)
            raise
        self._note(None)
        return count

    def everything(self) -> int:
        """Read every article. Raises what the ERP raises."""
        return self.articles(None)

    def articles(self, skus: Sequence[str] | None) -> int:
        """Read these articles, by the ERP's codes; all for None. Answers how many. Raises what the ERP raises."""
        try:
            count = self._read(skus)
        except ConnectorError as error:
            self._note(error)
            raise
        self._note(None)
        return count

    def _note(self, error: ConnectorError | None) -> None:
        reason = "" if error is None else str(error)
        self.store.write(lambda c: note_away(c, self.erp, reason))

    def _changed(self) -> int:
        checkpoint = self.store.read(lambda c: load_checkpoint(c, self.erp, CHANGES))
        count = 0
        for page in self.source.pull_stock_changes(checkpoint):
            self.progress()
            # The first pull names nothing: its checkpoint is from before everything was read.
            count += self._read(None if checkpoint is None else sorted(page.skus))
            if not self._step(checkpoint, page.checkpoint):
                return count
            checkpoint = page.checkpoint
        waited_for = self.store.read(lambda c: awaited_articles(c, self.erp))
        return count + self._read(waited_for)

    def _step(self, expected: str | None, checkpoint: str) -> bool:
        """Whether the checkpoint was still the one from which this pull came: another one may go on from there."""

        def work(c):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - a transaction
            if load_checkpoint(c, self.erp, CHANGES, lock=True) != expected:
                return False
            save_checkpoint(c, self.erp, CHANGES, checkpoint)
            return True

        return bool(self.store.write(work))

    def _read(self, skus: Sequence[str] | None) -> int:
        if skus is not None and not skus:
            return 0
        places = self._places()
        if skus is None:
            return self._call(places, None)
        size = self.source.stock_batch
        return sum(self._call(places, skus[start : start + size]) for start in range(0, len(skus), size))

    def _places(self) -> list[str]:
        """The places that any channel shows or sends from. Raises NoSuchPlace naming one that the ERP does not have."""
        known = [location.code for location in self.source.list_locations()]
        self.progress()
        shown = [channel.stock.places.values() for channel in self.config.stock_channels(self.erp)]
        wanted = [codes for places in shown for codes in places]
        sending = [channel.routing.warehouses for channel in self.config.routed_channels(self.erp)]
        named = sorted({code for codes in (*wanted, *sending) for code in codes})
        if missing := [code for code in named if code not in known]:
            raise NoSuchPlace(
                say(
                    "%(erp)s has no warehouse %(missing)s; it has %(known)s: correct `stock` or `routing` of the "
                    "channel",
                    erp=self.erp,
                    missing=", ".join(missing),
                    known=", ".join(known) or "none",
                )
            )
        return named if wanted and all(wanted) else known

    def _call(self, places: Sequence[str], skus: Sequence[str] | None) -> int:
        """One reading, kept whole only when it came to its end: a place that is still to come is not gone."""
        began = begin_reading(self.store, self.erp)
        said: dict[str, dict[str, Read]] = {}
        for page in self.source.read_stock(places, skus):
            self.progress()
            for reading in page:
                here = said.setdefault(reading.sku, {})
                read = Read(reading.sku, reading.location, reading.quantity, reading.reserved)
                # Two articles with one code: nobody knows which is meant, so the smaller figure counts.
                other = here.get(reading.location)
                here[reading.location] = read if other is None or read.quantity < other.quantity else other
        asked = sorted({*said, *self._known()}) if skus is None else list(skus)
        # Each place of an article is a row, and so is the mark that it was touched.
        for some in self.store.pieces(asked, len(places) + 1):
            rows = [read for sku in some for read in said.get(sku, {}).values()]
            self.store.write(functools.partial(save_levels, erp=self.erp, began_at=began, asked=some, readings=rows))
            self.progress()
        return len(asked)

    def _known(self) -> Iterable[str]:
        return self.store.read(lambda c: {*known_articles(c, self.erp), *awaited_articles(c, self.erp)})
