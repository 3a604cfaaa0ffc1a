"""What a channel presumes of another system beside its orders: fields of its own, products that stand for services.

Optional as the capabilities of `connectors.kit.facets`. The doctor asks what is lacking and offers to make it; nothing
is made before a person says so, for it changes what everybody over there sees.
"""

from __future__ import annotations

import dataclasses
import enum
from abc import abstractmethod
from collections.abc import Collection, Sequence
from typing import Protocol, runtime_checkable


class NeedKind(enum.StrEnum):
    """What is presumed."""

    FIELD = "field"
    PRODUCT = "product"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Need:
    """One thing that has to be there."""

    kind: NeedKind
    #: A field's technical name; a product's code.
    name: str
    #: What a field belongs to, in the words of profiles: `order`, `lines`, `party`; empty for a product.
    of: str = ""
    #: What a field holds: `text`, `long_text`, `whole`, `flag`, `decimal`, `float`, `money`, `day`, `time`.
    holds: str = "text"
    #: The system is to refuse the same value twice: what a key of ours stands in.
    unique: bool = False

    def __str__(self) -> str:
        """`order.x_channel`, `SHIPPING`."""
        return f"{self.of}.{self.name}" if self.of else self.name


@runtime_checkable
class Prepares(Protocol):
    """Says what is lacking, and makes what can be made from outside."""

    #: What it presumes by itself, whatever a channel says: of `order` where orders are told what became of them, of
    #: `party` where customers are told what they have bought.
    presumed: Sequence[Need]
    #: What can be made from outside; the rest is work for who runs the system.
    makes: Collection[NeedKind]

    @abstractmethod
    def lacking(self, fields: Sequence[Need]) -> list[Need]:
        """Of these fields those that are not there. Raises Transient, ConnectionBroken."""

    @abstractmethod
    def prepare(self, need: Need) -> None:
        """Make one of which `makes` has the kind; the same twice leaves one.

        Raises RecordRejected with what to do, ConnectionBroken where the user may not, OutcomeUnknown, Transient.
        """
