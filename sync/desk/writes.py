"""Our writes to other systems in plain words: what each kind of intent is about, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sync.desk.phrases import Phrase, quote, say
from sync.store.intents import ASSUMED, RESEND, UNDECIDED

#: (kind, action) of an intent -> what is done; `%(key)s` is our key for it.
_CALLS: Final[Mapping[tuple[str, str], Phrase]] = {
    ("sale", "create"): say("create sale"),
    ("sale", "advance"): say("bring on sale"),
    ("sale", "delete"): say("delete sale"),
    ("party", "create"): say("create customer"),
    ("cancel", "cancel"): say("cancel sale"),
    ("change", "update"): say("change sale"),
    ("refund", "create"): say("credit refund"),
    ("invoice", "create"): say("make invoice of"),
    ("post", "update"): say("post"),
    ("payment", "create"): say("register payment"),
    ("fulfilment", "create"): say("show parcel in the shop"),
    ("fulfilment", "update"): say("correct parcel in the shop"),
    ("note", "create"): say("write note in the shop"),
    ("call_off", "update"): say("take goods out of a shipment in the ERP"),
    ("return", "create"): say("give money back in the shop"),
    ("mark", "update"): say("show state, parcels and invoices in the shop"),
}
#: How a write ended; empty while nobody knows.
_OUTCOMES: Final[Mapping[str, Phrase]] = {
    "": say("outcome not known yet"),
    "done": say("done"),
    "found": say("found"),
    "absent": say("not there"),
    "superseded": say("no longer wanted"),
    "refused": say("refused"),
    "not_sent": say("not sent"),
    "removed": say("removed"),
    "person": say("a person has seen to it"),
    UNDECIDED: say("nobody knows"),
    ASSUMED: say("sent, as a person says"),
    RESEND: say("not sent, as a person says"),
}


def call_of(kind: str, action: str, key: str) -> Phrase:
    """What a write is: `create sale web:12`."""
    what = _CALLS.get((kind, action), quote(f"{action} {kind}"))
    return say("%(what)s %(key)s", what=what, key=key)


def outcome_of(outcome: str) -> Phrase:
    """How a write ended."""
    return _OUTCOMES.get(outcome, quote(outcome))
