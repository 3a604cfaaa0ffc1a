"""Stock: what an ERP has, and what a shop shows. Quantities are Decimal, SKUs and locations are text."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Protocol, runtime_checkable

from connectors.kit.base import Rank
from connectors.kit.errors import ConnectorError


@dataclasses.dataclass(frozen=True, slots=True)
class Location:
    """A place where goods lie: a warehouse of an ERP, a location of a shop."""

    external_id: str
    #: What people and configurations call it; equal to the id where there is nothing shorter.
    code: str
    name: str


@dataclasses.dataclass(frozen=True, slots=True)
class StockReading:
    """How much of one article an ERP has in one place."""

    sku: str
    #: `Location.code`.
    location: str
    #: The one figure that the connector declares (`StockSource.figure`): what may be sold, as the ERP sees it.
    quantity: Decimal
    #: Reserved for its documents; for showing only, never subtracted. None where the ERP does not say.
    reserved: Decimal | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class StockChanges:
    """Articles whose stock moved, and the checkpoint from which a later pull resumes."""

    skus: frozenset[str]
    checkpoint: str


@runtime_checkable
class StockSource(Protocol):
    """An ERP that tells its stock."""

    #: The vendor's name of the figure, for people: `forecast_quantity`.
    figure: str
    #: From this rank on a sale is taken out of the figure by the ERP itself.
    reserves_at: Rank
    #: Articles of one `read_stock` call.
    stock_batch: int

    @abstractmethod
    def list_locations(self) -> list[Location]:
        """Every place with stock. Raises Transient, ConnectionBroken."""

    @abstractmethod
    def read_stock(self, locations: Sequence[str], skus: Sequence[str] | None = None) -> Iterator[list[StockReading]]:
        """The figure of each article in each place (`Location.code`), all articles for None; zero is said too.

        An article that the ERP does not know is left out. What a reading says was true after the call began.
        Raises Transient, ConnectionBroken.
        """

    @abstractmethod
    def pull_stock_changes(self, checkpoint: str | None) -> Iterator[StockChanges]:
        """Articles whose figure may have moved since; the first pull (None) names none and gives the checkpoint of now.

        Raises Transient, ConnectionBroken.
        """


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ShopStock:
    """What a shop shows for one article."""

    sku: str
    external_id: str
    #: The product that a variation belongs to; empty for a product of its own.
    parent_id: str = ""
    #: None where the shop keeps no count for it.
    quantity: Decimal | None
    #: Whether the shop keeps a count, and where: `own`, `parent` (a variation counted with its product), `none`.
    kept: str = "own"
    backorders: bool = False
    #: For a shop with places of its own; empty for one without.
    location: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StockWrite:
    """A quantity to be shown, absolute."""

    article: ShopStock
    quantity: Decimal
    #: None leaves it as it is.
    backorders: bool | None = None
    #: For a shop with places of its own; empty for one without.
    location: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class StockResult:
    """What became of one write, in the order of the input."""

    #: As the shop shows it now; None where it was not written.
    quantity: Decimal | None = None
    error: ConnectorError | None = None


@runtime_checkable
class StockTarget(Protocol):
    """A shop whose stock is set from outside."""

    #: Articles of one `write_stock` call.
    stock_bulk: int
    #: The longest deadline of one call, in seconds.
    write_deadline_s: float
    #: The write itself compares with what we last saw, and refuses where somebody sold meanwhile.
    compares_stock: bool
    #: Variations that are counted for themselves are written in a call for each product; else one call takes any.
    writes_by_parent: bool = False

    @abstractmethod
    def find_stock(self, skus: Sequence[str]) -> dict[str, list[ShopStock]]:
        """What the shop shows for each SKU now, batched; several where it has one twice, absent where it has none."""

    @abstractmethod
    def write_stock(self, writes: Sequence[StockWrite]) -> list[StockResult]:
        """Set each; one bad article does not fail the others. Absolute, so a repeat changes nothing.

        After a time-out, reset or 5xx every item of that call is OutcomeUnknown.
        """
