"""The causes of alerts in plain words: those of issues, and those of the machinery."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Final

from config.model import Config
from sync.desk.causes import CAUSES, Words, words_of
from sync.desk.phrases import Phrase, say

#: The causes that are not issues' own.
WORDS: Final[Mapping[str, Words]] = {
    "queue": Words(
        say("Queue away"),
        say("The queue's server does not answer. Orders are taken in and kept."),
        say("Start the server that CROSSDOCK_REDIS names. What waits goes on by itself when it is back."),
    ),
    "queue_setup": Words(
        say("Queue set up badly"),
        say("The queue's server may lose what it holds; orders are not lost by that, but wait longer."),
        say("See Operations, or `crossdock doctor`, for the setting to change."),
    ),
    "workers": Words(
        say("No worker"),
        say("Nobody works off what is due."),
        say("Start crossdock run, or crossdock worker."),
    ),
    "scheduler": Words(
        say("Scheduler away"),
        say("Nothing is pulled or looked at again by itself."),
        say("Start crossdock run, or crossdock scheduler."),
    ),
    "disk": Words(
        say("Disk nearly full"),
        say("There is little room where the database or the queue keep what they hold."),
        say("Make room: without it no order can be stored, and shops get errors for their webhooks."),
    ),
    "away": Words(
        say("Connection away"),
        say("The other system has been away for longer than it may. It is tried again all the time."),
        say("See whether it is down. Nothing needs to be done here: its orders wait and go on by themselves."),
    ),
    "failing": Words(
        say("Connection fails"),
        say("Something that should happen with this connection does not."),
        say("Look at the connection's page: it says what fails."),
    ),
    "backlog": Words(
        say("Backlog does not move"),
        say("Orders could have been worked on for longer than they may wait, and no worker had them in hand."),
        say("Look at Operations: more workers, or a connection that lets too few calls through."),
    ),
    "volume": Words(
        say("Unusual number of orders"),
        say("The channel has far fewer or far more orders than it usually has at this hour of the week."),
        say("See whether the shop sells: its checkout, its payments. If all is well there, see whether it is read."),
    ),
    "proof": Words(
        say("Proof does not hold"),
        say("Shop, Crossdock and ERP differ, and nothing explains it."),
        say("Open the channel's proof: it names each difference with its ids."),
    ),
    "schedule": Words(
        say("Schedule failed"),
        say("A comparison, a proof or a stock run of the channel failed."),
        say("Look at Operations: the schedule says why."),
    ),
    "alert_way": Words(
        say("Alerts do not arrive"),
        say("One of the ways in which people are told takes no messages."),
        say("Look at the alerts' page: it says why. What waits is sent when it works again."),
    ),
}


#: Causes whose own remedy speaks of the form below it.
_WITH_FORM: Final = frozenset({"unknown_sku", "unmapped", "ambiguous_tax"})
_ON_ITS_PAGE: Final = say("Create it in the ERP and retry, or say on the page of the cause what is meant.")


def alert_words(cause: str) -> Words:
    """The plain words of an alert's cause."""
    if cause in WORDS:
        return WORDS[cause]
    words = words_of(cause)
    # Nothing stands below in a message, nor on the page of the alerts.
    return dataclasses.replace(words, remedy=_ON_ITS_PAGE) if cause in _WITH_FORM else words


def known_causes() -> dict[str, Phrase]:
    """Cause -> label, of everything that can raise an alert."""
    return {cause: words.label for cause, words in sorted({**CAUSES, **WORDS}.items())}


def unknown_causes(config: Config) -> dict[str, list[str]]:
    """Way -> causes that it names and that nothing ever raises."""
    known = known_causes()
    found = {name: [cause for cause in way.causes if cause not in known] for name, way in config.alerts.items()}
    return {name: causes for name, causes in found.items() if causes}
