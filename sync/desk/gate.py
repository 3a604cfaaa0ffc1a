"""The gate of a channel (`publish_gate`): what another profile would change is looked at before it is published.

`examine` maps the newest orders by what applies and by the new text; `demand_open` lets a text through by that, and
`sync.desk.profiles.publish` asks it. Where the gate is shut an admin may publish all the same and says why; who that is
the page and the terminal know, and the audit keeps the reason beside what was found. To go back to an older revision
passes no gate: it is the way out when what was published turns out to be wrong.
"""

from __future__ import annotations

import dataclasses
from typing import Final

from config.model import Channel, ProfileFile, PublishGate
from mappings.profiles import ProfileError
from sync.desk.phrases import Phrase, Refusal, say, say_many
from sync.desk.regression import DOCUMENTS, Replay, replay
from sync.rules.systems import Systems
from sync.store.engine import Store
from sync.store.revisions import published_number

#: What the audit calls a publication that the gate was against.
OVERRULED: Final = "publish gate overruled"


@dataclasses.dataclass(frozen=True, slots=True)
class Examination:
    """What a text would change of the newest orders, and against which revision that was found out."""

    text: str = dataclasses.field(repr=False)
    #: What was published at that time; 0 where nothing was.
    revision: int
    replay: Replay


class GateShut(Refusal):
    """The channel lets no such text through; `replay` says why, in full."""

    def __init__(self, phrase: Phrase, found: Replay) -> None:
        """The words, and what was found."""
        super().__init__(phrase)
        self.replay = found


def examine(
    store: Store, systems: Systems, channel: str, file: ProfileFile, *, documents: int = DOCUMENTS
) -> Examination:
    """Map the newest orders by a text and by what applies; a gated channel's never fewer than `DOCUMENTS`.

    Nothing is asked of a system and nothing is written. Raises ProfileError for a text that is none, SystemMissing.
    """
    revision = store.read(lambda c: published_number(c, channel))
    if systems.config.channels[channel].publish_gate is not PublishGate.NONE:
        documents = max(documents, DOCUMENTS)
    then = systems.channel(channel, file)
    try:
        now = systems.channel(channel)
    except ProfileError:
        # A newer program may read profiles more strictly than the one that published it: it maps nothing any more.
        now = None
    return Examination(file.text, revision, replay(store, now, then, documents=documents))


def demand_open(channel: Channel, text: str, base: int, examined: Examination | None, *, despite: str = "") -> str:
    """Let a text through that was made from revision `base`. Empty; with `despite` what the gate had against it.

    Raises GateShut for what the gate is against, Refusal where nobody has examined this text against this revision.
    """
    if channel.publish_gate is PublishGate.NONE:
        return ""
    if examined is None or (examined.text, examined.revision) != (text, base):
        raise Refusal(
            say("compare the text with what applies first: %(channel)s has a publish gate", channel=channel.name)
        )
    found = examined.replay
    if not found.newly_fail:
        return ""
    against = say_many(
        "%(count)s of the newest %(documents)s orders could not be mapped any more",
        "%(count)s of the newest %(documents)s orders could not be mapped any more",
        found.newly_fail,
        documents=found.documents,
    )
    if not despite.strip():
        raise GateShut(against, found)
    return str(against)
