from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from config.model import Policies
from connectors.kit.errors import (
    AlreadyExists,
    ConnectionBroken,
    Locked,
    OutcomeUnknown,
    RateLimited,
    RecordRejected,
    Transient,
)
from mappings.canonical.errors import MappingError, Problem, Problems, Unmapped
from sync.desk.outcomes import LATER_S, Action, Place, backoff_s, decide
from sync.desk.spans import span_shown
from sync.flows.piece import conclude
from sync.rules.lookups import NO_LOOKUPS
from sync.rules.stops import Held, Later, NotSent, Unsettled
from sync.rules.verify import Facts, duplicate_order
from sync.store.engine import DatabaseBusy
from sync.store.states import ItemState
from tests.sync.rules.test_verify import GOOD

PLACE = Place(channel="web", connection="erp")
HOLD = Problem(cause="value_limit", path="totals.grand", reason="too much", next_step="approve")

TABLE = [
    (Transient("away"), Action.RETRY, ItemState.READY, 15.0, 15.0, []),
    (RateLimited("slowly", retry_after_s=90.0), Action.RETRY, ItemState.READY, 90.0, 90.0, []),
    (ConnectionBroken("revoked", code="401"), Action.PAUSE, ItemState.READY, 0.0, float("inf"), ["connection"]),
    (OutcomeUnknown("no answer"), Action.RECONCILE, ItemState.RECONCILE, None, None, []),
    (Unsettled("may land"), Action.RECONCILE, ItemState.RECONCILE, None, None, []),
    (NotSent("no time"), Action.RETRY, ItemState.READY, LATER_S, None, []),
    (Later("elsewhere"), Action.RETRY, ItemState.READY, LATER_S, None, []),
    (DatabaseBusy("busy"), Action.RETRY, ItemState.READY, LATER_S, None, []),
    (RecordRejected("no", code="x"), Action.PARK, ItemState.PARKED, None, None, ["rejected"]),
    (Locked("under approval"), Action.PARK, ItemState.HELD, None, None, ["under_approval"]),
    (AlreadyExists("taken", code="dup"), Action.PARK, ItemState.PARKED, None, None, ["rejected"]),
    (Held([HOLD]), Action.PARK, ItemState.HELD, None, None, ["value_limit"]),
    (MappingError("total", "no number"), Action.PARK, ItemState.PARKED, None, None, ["mapping"]),
    (Unmapped("tax", "19"), Action.PARK, ItemState.PARKED, None, None, ["unmapped"]),
    (KeyError("what"), Action.PARK, ItemState.PARKED, None, None, ["internal"]),
]


@pytest.mark.parametrize(
    ("error", "action", "state", "retry_s", "pause_s", "causes"), TABLE, ids=lambda v: repr(v)[:30]
)
def test_every_error_has_its_outcome(error, action, state, retry_s, pause_s, causes):  # noqa: PLR0917 - a table's row
    decision = decide(error, PLACE)
    assert (decision.action, decision.state) == (action, state)
    assert (decision.retry_s, decision.pause_s) == (retry_s, pause_s)
    assert [cause.cause for cause, _ in decision.causes] == causes


@pytest.mark.parametrize("error", [row[0] for row in TABLE], ids=lambda v: type(v).__name__)
def test_every_stop_has_a_cause_a_next_step_and_an_owner(error):
    decision = decide(error, PLACE)
    assert decision.reason
    for cause, _ in decision.causes:
        assert cause.title
        assert cause.next_step
        assert cause.owner in {"integrator", "business", "admin"}


def test_orders_that_look_like_duplicates_are_one_cause_to_look_through():
    alike = [("7", "WC-7", GOOD.placed_at), ("8", "WC-8", GOOD.placed_at)]
    holds = list(duplicate_order(GOOD, Facts(policies=Policies(), resolved={}, lookups=NO_LOOKUPS, alike=alike)))
    [(cause, details)] = decide(Held(holds), PLACE).causes
    assert (cause.cause, cause.subject, len(details)) == ("duplicate_order", "", 2)
    assert all("as order WC-" in reason for _, reason in details)


def fingerprints(error: Exception, place: Place = PLACE) -> list[str]:
    return [cause.fingerprint for cause, _ in decide(error, place).causes]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (RecordRejected("sale 17: party '4711' is locked"), RecordRejected("sale 18: party '9' is locked")),
        (RecordRejected("date 2026-11-01 is closed"), RecordRejected("date 2026-12-24 is closed")),
        (RecordRejected("17 is locked", code="locked"), RecordRejected("18 is locked", code="locked")),
        (MappingError("line_items[0].total", "found 'x'"), MappingError("line_items[7].total", "found 'y'")),
        (KeyError("a"), KeyError("b")),
    ],
    ids=["ids", "dates", "codes", "places in lists", "defects"],
)
def test_equal_causes_are_one_issue_whatever_numbers_they_name(one, other):
    assert fingerprints(one) == fingerprints(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (RecordRejected("the party is locked"), RecordRejected("the article is locked")),
        # An ERP has one code for all of its warnings.
        (RecordRejected("the price is low", code="warning"), RecordRejected("the date is past", code="warning")),
        (RecordRejected("no", code="locked"), RecordRejected("no", code="gone")),
        (Unmapped("tax", "19"), Unmapped("tax", "7")),
        (MappingError("total", "no"), MappingError("currency", "no")),
        (KeyError("a"), ValueError("a")),
    ],
)
def test_other_causes_are_other_issues(one, other):
    assert fingerprints(one) != fingerprints(other)


def test_a_refusal_is_the_same_issue_alone_and_among_others_and_another_one_at_another_step():
    refusal = RecordRejected("sale 17 is locked", code="locked", field="party")
    among = Held([HOLD, Problem("rejected", refusal.field, str(refusal), refusal.code)])
    assert fingerprints(among)[1:] == fingerprints(refusal)
    after = Place(channel="web", connection="erp", step="after")
    assert fingerprints(refusal) != fingerprints(refusal, after)


def test_refusals_without_a_code_are_told_apart_among_others_too():
    both = Held([Problem("rejected", "", "the party is locked"), Problem("rejected", "", "the article is locked")])
    [(one, _), (other, _)] = decide(both, PLACE).causes
    assert one.fingerprint != other.fingerprint
    assert (one.title, one.connection) == ("erp refuses: the party is locked", "erp")


def test_channels_have_issues_of_their_own():
    elsewhere = Place(channel="b2b", connection="erp")
    assert fingerprints(Unmapped("tax", "19")) != fingerprints(Unmapped("tax", "19"), elsewhere)


def test_all_that_is_wrong_is_told_and_equal_causes_share_an_issue():
    problems = Problems(
        [*Unmapped("sku", "A", path="lines[0]").problems, *Unmapped("sku", "A", path="lines[1]").problems]
    )
    [(cause, details)] = decide(problems, PLACE).causes
    assert cause.subject == "sku:A"
    assert [path for path, _ in details] == ["lines[0]", "lines[1]"]


def test_tries_get_farther_apart_and_stay_within_an_hour():
    waits = [backoff_s(attempts) for attempts in range(12)]
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (5.0, 3600.0)


@pytest.mark.fault("B5")
@pytest.mark.parametrize(
    ("error", "asked", "told"),
    [
        (RateLimited("no", retry_after_s=600, asked_s=600), True, "erp asked us to wait 10 minutes; `crossdock resume"),
        (RateLimited("no", retry_after_s=3600, asked_s=259200), True, "erp asked us to wait 3 days, which is longer"),
        (RateLimited("no", retry_after_s=3600, asked_s=float("inf")), True, "wait more than a thousand days, which is"),
        (RateLimited("no", retry_after_s=1.4), True, "erp asked us to wait 2 seconds; "),
        (RateLimited("no", retry_after_s=5, code=RateLimited.OWN_RATE), False, "as fast as its configuration allows"),
    ],
)
def test_a_pause_says_who_asked_for_it_and_an_absurd_one_that_it_was_cut(error, asked, told):
    decision = decide(error, PLACE)
    assert decision.asked is asked
    assert told in decision.reason
    assert ("resume erp" in decision.reason) is asked
    assert ("tried again after 60 minutes" in decision.reason) is (error.retry_after_s == 3600)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.2, "1 second"), (119, "119 seconds"), (121, "3 minutes"), (7200, "2 hours"), (172801, "3 days")],
)
def test_a_length_of_time_is_never_shown_shorter_than_it_is(seconds, shown):
    assert span_shown(seconds) == shown


def test_what_is_under_approval_over_there_keeps_its_cause_among_others():
    piece: Any = SimpleNamespace(stops=[Locked("A-1 is under approval"), RecordRejected("no", code="x")], error=None)
    conclude([piece])
    decision = decide(piece.error, PLACE)
    assert (decision.action, decision.state) == (Action.PARK, ItemState.HELD)
    assert [cause.cause for cause, _ in decision.causes] == ["under_approval", "rejected"]
