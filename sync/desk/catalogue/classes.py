"""The classes of errors: what may happen next, whichever system it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sync.desk.catalogue.entry import Entry
from sync.desk.phrases import say

#: Name of the class -> entry; by name, because some are raised where the desk is not known, nor knows.
CLASSES: Final[Mapping[str, Entry]] = {
    "Transient": Entry(
        "system.away",
        say("The other system could not be reached, or could not answer."),
        say("It is restarting, overloaded, or the way there is broken. Nothing was written."),
        say("Wait: the connection rests for a moment and is tried again by itself. Look at the system if it stays."),
    ),
    "RateLimited": Entry(
        "system.rate_limited",
        say("The other system asked us to slow down, or our own limit for it is reached."),
        say("More calls were made in a short time than it, or the connection's `rate_per_s`, allows."),
        say("Wait: it goes on by itself at the time that is shown. `crossdock resume NAME` ends the pause now."),
    ),
    "ConnectionBroken": Entry(
        "system.broken",
        say("The other system does not let us in, or is not what the configuration says."),
        say("Credentials have expired or were withdrawn, a right is missing, or the address leads elsewhere."),
        say("Mend it and resume the connection. Its orders wait; none is lost and none fails."),
    ),
    "RecordRejected": Entry(
        "system.rejected",
        say("The other system refuses this one document, and will refuse it again until something is changed."),
        say("Its own rules are broken: by the order, or by the article, customer or period that it names."),
        say("Correct what the refusal names, then look at the orders again."),
    ),
    "AlreadyExists": Entry(
        "system.exists",
        say("The key of the document is taken in the other system."),
        say("It was made before: by an earlier try whose answer was lost, or by somebody else."),
        say("Nothing: it is looked up by its key and gone on with. If it is parked, look what stands there."),
    ),
    "Locked": Entry(
        "system.locked",
        say("The other system's people have the document under approval, or have locked it."),
        say("Until they decide, it takes no change from anybody."),
        say("Have it approved, refused or unlocked there. It goes on by itself then."),
    ),
    "OutcomeUnknown": Entry(
        "system.unknown_outcome",
        say("Something was sent, and nobody knows yet whether it was done."),
        say("The answer was lost, came too late, or was no answer of the system itself."),
        say("Nothing: it is looked up by its key before anything else is sent. It is never sent again blindly."),
    ),
    "ConnectorError": Entry(
        "system.unusable",
        say("The other system could not be used."),
        say("Its connector says no more than that."),
        say("Look at the requests and answers of the order."),
    ),
    "DryRun": Entry(
        "system.dry_run",
        say("This was a rehearsal: the call was recorded and not sent."),
        say("Somebody asked for a dry run."),
        say("Nothing."),
    ),
    "NoSuchPlace": Entry(
        "system.no_such_place",
        say("The configuration names a warehouse that the ERP does not have."),
        say("It was renamed or removed in the ERP, or is written otherwise in the configuration."),
        say("Correct the warehouses under `routing` and `stock` of the channels, then retry."),
    ),
    "Problems": Entry(
        "order.problems",
        say("Something is wrong with the order as it is; all of it is told at once."),
        say("A part of it is not what the mapping or a rule needs."),
        say("Each problem says what to do; the order goes on when the last one is solved."),
    ),
    "MappingError": Entry(
        "order.mapping",
        say("A field of the order cannot be read as what it must be."),
        say("The source writes something that its mapping does not expect there."),
        say("Correct it in the source. If the source is right, change the mapping profile, or report it."),
    ),
    "Unmapped": Entry(
        "order.unmapped",
        say("A value of the source means nothing in the ERP yet."),
        say("No row of the look-up table has it, and the ERP does not know it by that name."),
        say("Add the row where it is missing: that releases every order that waits for it."),
    ),
    "Held": Entry(
        "order.held",
        say("A rule of the channel holds the order."),
        say("The policies say that a person, or a mended cause, is to decide about such orders."),
        say("Mend the cause, approve the order, or reject it."),
    ),
    "NotSent": Entry(
        "work.not_sent",
        say("The turn ended before the call was made."),
        say("Time, the lease or the connection ran out. Nothing can have happened."),
        say("Nothing: it comes again at once."),
    ),
    "Unsettled": Entry(
        "work.unsettled",
        say("An earlier write may still land."),
        say("Its answer was lost, and the time in which it can arrive is not over."),
        say("Nothing: it is looked up when it can no longer land."),
    ),
    "Later": Entry(
        "work.later",
        say("Something that is under way elsewhere must end first."),
        say("Another worker makes the same customer, say."),
        say("Nothing: it comes again in a moment."),
    ),
    "Together": Entry(
        "work.together",
        say("Several orders failed in one step, for a reason that nobody foresaw."),
        say("Any of them may be at fault."),
        say("Nothing: each is tried alone, and the one at fault is parked."),
    ),
    "Stopped": Entry(
        "stock.stopped",
        say("An article's stock cannot be told to the shop."),
        say("Shop and ERP do not agree which article is meant, or how it is counted."),
        say("Do what its issue says; the article goes on by itself then."),
    ),
    "DatabaseBusy": Entry(
        "database.busy",
        say("The database did not answer in time."),
        say("It is restarting, its disk is slow or full, or a long transaction holds it."),
        say("Nothing while it passes. Look at the database if it stays; what was accepted is safe."),
    ),
}

#: Whatever nobody foresaw.
INTERNAL: Final = Entry(
    "crossdock.internal",
    say("Crossdock itself failed."),
    say("This is a defect: something happened that nobody foresaw."),
    say("Report the log entry of the order, then retry it."),
)
