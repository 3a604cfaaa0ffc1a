"""What an entry of the error catalogue has."""

from __future__ import annotations

import dataclasses

from sync.desk.phrases import Phrase


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """One error, for people."""

    #: Stable: `tryton.warning`. Links, scripts and programs name it; a text may get better, an id never changes.
    id: str
    happened: Phrase
    #: None where what happened says it already.
    why: Phrase | None
    remedy: Phrase

    @property
    def anchor(self) -> str:
        """Where it stands in docs/errors.md and on the console's page of errors: as GitHub names such a heading."""
        return self.id.replace(".", "")
