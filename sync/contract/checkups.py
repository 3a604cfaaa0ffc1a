"""What holds for every check-up, whatever system it looks at."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any, Final

import pytest

from connectors.kit.findings import Circumstances, Finding, Level
from connectors.sandbox.patience import PATIENCE_S
from sync.contract.base import Contract

_WHOLE: Final = Circumstances(zones={"web": "Europe/Berlin"})


class Patient:
    """A stand-in, how to connect to it, and what must never show."""

    def __init__(self, fake: Any) -> None:
        self.fake, self.wrong = fake, fake.wrong
        self.secrets = fake.secrets if hasattr(fake, "secrets") else [fake.secret]

    def connect(self, **settings: Any) -> Any:
        """A connector."""
        return self.fake.connect(**settings)

    def writes(self) -> int:
        """How much the other system has taken down as changed."""
        count: int = self.fake.server.ledger.count
        return count

    def findings(self, **settings: Any) -> list[Finding]:
        """A whole check-up."""
        return list(self.connect(**settings).diagnose(_WHOLE))


class DiagnosesContract(Contract):
    """`Diagnoses`: one finding a check, each with what to do next; nothing is changed, nothing is raised."""

    @pytest.fixture
    def patient(self, fake: Any) -> Patient:
        """A healthy account."""
        return Patient(fake)

    def test_ids_are_constant_texts_of_the_system_and_titles_say_what_is_looked_at(self) -> None:
        checks: Mapping[str, str] = self.connector.checks  # type: ignore[attr-defined]
        assert checks
        assert len({check.partition(".")[0] for check in checks}) == 1
        for check, title in checks.items():
            assert re.fullmatch(r"[a-z_]+(\.[a-z_]+)+", check)
            assert title[0].islower() or title.startswith("REST")
            assert not title.endswith(".")

    def test_a_healthy_account_has_one_finding_a_check_in_their_order_and_none_bad(self, patient: Patient) -> None:
        found = patient.findings()
        assert [finding.check for finding in found] == list(patient.connect().checks)
        assert [finding for finding in found if finding.level in {Level.FAIL, Level.UNKNOWN}] == []

    def test_a_check_up_changes_nothing_over_there(self, patient: Patient) -> None:
        before = patient.writes()
        patient.findings()
        assert patient.writes() == before

    def test_wrong_credentials_fail_and_do_not_show(self, patient: Patient) -> None:
        found = patient.findings(**patient.wrong)
        assert any(finding.level is Level.FAIL for finding in found)
        shown = repr(found)
        for secret in (*patient.secrets, *patient.wrong.values()):
            assert secret not in shown

    def test_what_is_not_in_order_says_what_to_do(self, patient: Patient) -> None:
        for found in (patient.findings(), patient.findings(**patient.wrong)):
            for finding in found:
                if finding.level is not Level.OK:
                    assert finding.found
                    assert finding.next_step, finding

    def test_a_system_that_is_away_is_one_failure_and_no_exception(self, patient: Patient) -> None:
        connector = patient.connect()
        patient.fake.stop()
        [only] = connector.diagnose(_WHOLE)
        assert only.level is Level.FAIL
        assert only.check == next(iter(connector.checks))
        assert only.next_step

    def test_a_system_that_never_answers_is_given_up_by_the_deadline(self, patient: Patient) -> None:
        connector = patient.connect(deadline_s=0.5)
        patient.fake.server.plan.add(kind="hang", count=None, hold_s=PATIENCE_S)
        begun = time.monotonic()
        found = list(connector.diagnose(_WHOLE))
        assert time.monotonic() - begun < PATIENCE_S / 2
        assert any(finding.level in {Level.FAIL, Level.UNKNOWN} for finding in found)
