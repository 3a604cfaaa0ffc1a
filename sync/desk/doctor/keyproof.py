"""The proof that an ERP keeps our documents single: a test sale is created twice under one key, and removed again.

Before the first call a report is committed that names the key. Whatever becomes of this process after that, the next
proof (and the check-up of the connection) finds the report, looks the key up and removes what stands under it.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import uuid
from collections.abc import Mapping
from typing import Any, Final

from connectors.kit.base import OffersTestSale, Rank, SalesTarget, TargetDocument
from connectors.kit.errors import AlreadyExists, ConnectorError, OutcomeUnknown, RecordRejected
from connectors.kit.findings import Finding, Level, fail, ok, unknown, warn
from connectors.registry import has
from sync.desk.doctor.report import KIND, key_subject
from sync.desk.doctor.words import moment_shown
from sync.desk.phrases import joined, say
from sync.store.audit import Actor, record_audit
from sync.store.engine import Store
from sync.store.health import clock
from sync.store.reports import last_report, save_report

CHECK: Final = "connection.key"
_AGAIN: Final = "crossdock doctor --prove-key {name}"


@dataclasses.dataclass(frozen=True, slots=True)
class KeyProof:
    """What came of it."""

    connection: str
    finding: Finding
    #: Documents of the proof that could not be removed: their numbers or ids in the ERP.
    left: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """The key is enforced, and nothing is left behind."""
        return self.finding.level is Level.OK and not self.left


def prove_key(store: Store, target: SalesTarget, name: str, *, settle_s: float, actor: Actor) -> KeyProof:
    """Create a test sale twice under one key, expect a refusal the second time, remove it; the outcome is kept.

    Writes nothing where the connector declares no enforced key, or an earlier proof is not cleared up yet.
    """
    key = target.keys["sale"]
    if not key.enforced or not key.draft:
        step = key.how_to_enforce or say(
            "see the page of the system: its documents are kept single by reading drafts back"
        )
        return KeyProof(
            name,
            warn(CHECK, say("%(key_field)s is not enforced by this system as it is", key_field=key.key_field), step),
        )
    if not has(target, OffersTestSale):
        return KeyProof(name, unknown(CHECK, say("this connector knows no sale that may be made for a test")))
    if (open_ := _clear_up(store, target, name, settle_s)) is not None:
        return open_
    proof = _Proof(store, target, name, actor)
    return proof.carry_out()


class _Proof:
    """One proof, from the committed report to the removed document."""

    def __init__(self, store: Store, target: Any, name: str, actor: Actor) -> None:
        self._store, self._target, self._name, self._actor = store, target, name, actor
        self._key = f"crossdock-doctor-{uuid.uuid4().hex[:16]}"
        self._field = target.keys["sale"].key_field

    def carry_out(self) -> KeyProof:
        try:
            payload = self._target.test_sale(self._key)
        except ConnectorError as error:
            return KeyProof(self._name, unknown(CHECK, say("nothing was written: %(error)s", error=error)))
        self._begin()
        [first] = self._target.create_sales([payload])
        if isinstance(first.error, OutcomeUnknown):
            return self._open(say("the first call had no usable answer: %(error)s", error=first.error))
        if first.error is not None:
            # Refused, or never sent: nothing stands there.
            finding = fail(
                CHECK,
                say("the test sale was not taken: %(error)s", error=first.error),
                say("see the other checks of the connection"),
            )
            return self._close(finding, ())
        [second] = self._target.create_sales([payload])
        if isinstance(second.error, OutcomeUnknown):
            return self._open(say("the second call had no usable answer: %(error)s", error=second.error))
        finding = self._judged(second.error)
        try:
            left = _remove(self._target, self._key)
        except ConnectorError as error:
            return self._open(say("the test sale could not be removed: %(error)s", error=error))
        return self._close(finding, left)

    def _judged(self, second: ConnectorError | None) -> Finding:
        if isinstance(second, AlreadyExists):
            return ok(
                CHECK,
                say(
                    "%(field)s: a second sale with the same key was refused, and the first is removed",
                    field=self._field,
                ),
            )
        if second is None:
            found = say("%(field)s: a second sale with the same key was taken", field=self._field)
            step = say("the system does not enforce the key: see its page before you go live, orders could be doubled")
            return fail(CHECK, found, step)
        return unknown(
            CHECK,
            say("%(field)s: the second call failed for another reason: %(second)s", field=self._field, second=second),
        )

    def _begin(self) -> None:
        def write(c: Any) -> None:
            save_report(c, KIND, key_subject(self._name), ok=False, body=_body("begun", self._key, _BEGUN))
            record_audit(c, self._actor, "prove key", f"connection:{self._name}", after=self._key)

        self._store.write(write)

    def _open(self, found: str) -> KeyProof:
        """What was begun stays begun: the next proof looks the key up."""
        step = say(
            "run it again in some minutes, it removes what it finds: %(command)s",
            command=_AGAIN.format(name=self._name),
        )
        return KeyProof(self._name, unknown(CHECK, found, step))

    def _close(self, finding: Finding, left: tuple[str, ...]) -> KeyProof:
        proof = KeyProof(self._name, _with_left(finding, left), left)
        _keep(self._store, proof, self._key)
        return proof


_BEGUN: Final = unknown(
    CHECK, say("a proof was begun and not finished: its test sale may still be there"), say("run the proof again")
)


def _clear_up(store: Store, target: SalesTarget, name: str, settle_s: float) -> KeyProof | None:
    """Remove what an unfinished proof has left; None when nothing is open any more."""
    last = store.read(lambda c: last_report(c, KIND, key_subject(name)))
    if last is None or last.body["state"] != "begun":
        return None
    again = say("run it again then: %(command)s", command=_AGAIN.format(name=name))
    try:
        found = target.find_sales([last.body["key"]]).get(last.body["key"], [])
        left = _remove(target, last.body["key"])
    except ConnectorError as error:
        return KeyProof(name, unknown(CHECK, say("an earlier proof is not cleared up: %(error)s", error=error), again))
    # Both by the database's clock: this machine may not be the one that began the proof.
    settled_at = last.at + dt.timedelta(seconds=settle_s)
    if not found and settled_at > store.read(clock):
        told = say(
            "the test sale of an earlier proof may still land until %(settled_at)s", settled_at=moment_shown(settled_at)
        )
        return KeyProof(name, unknown(CHECK, told, again))
    if left:
        return KeyProof(name, _with_left(unknown(CHECK, say("an earlier proof is not cleared up")), left), left)
    return None


def _remove(target: SalesTarget, key: str) -> tuple[str, ...]:
    """Delete every draft under the key; what stays, by number or id. Raises Transient, ConnectionBroken ..."""
    for document in target.find_sales([key]).get(key, []):
        try:
            target.delete_draft(document)
        except RecordRejected:
            # Refused: what is read back below says what stays.
            continue
    return tuple(_named(document) for document in target.find_sales([key]).get(key, []))


def _named(document: TargetDocument) -> str:
    state = "" if document.rank is Rank.DRAFT else f" ({document.state})"
    return f"{document.number or document.external_id}{state}"


def _with_left(finding: Finding, left: tuple[str, ...]) -> Finding:
    if not left:
        return finding
    found = say("%(found)s; the test sale is still there: %(left)s", found=finding.found, left=", ".join(left))
    step = joined("; ", filter(None, (finding.next_step, say("delete it in the ERP by hand"))))
    level = Level.WARN if finding.level is Level.OK else finding.level
    return dataclasses.replace(finding, level=level, found=found, next_step=step)


def _keep(store: Store, proof: KeyProof, key: str) -> None:
    body = _body("done", key, proof.finding)
    store.write(lambda c: save_report(c, KIND, key_subject(proof.connection), ok=proof.ok, body=body))


def _body(state: str, key: str, finding: Finding) -> Mapping[str, str]:
    return {"state": state, "key": key, **dataclasses.asdict(finding)}
