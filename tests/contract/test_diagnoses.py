"""What holds for every check-up, whatever system it looks at: one suite over all connectors that offer one."""

from __future__ import annotations

import re
import time

import pytest

from connectors.kit.base import Diagnoses
from connectors.kit.findings import Circumstances, Level
from connectors.registry import CONNECTORS, connector_class, has
from tests.contract import source_fakes, target_fakes
from tests.shared import PATIENCE_S

pytestmark = pytest.mark.loopback

WHOLE = Circumstances(zones={"web": "Europe/Berlin"})


class Patient:
    """A stand-in, how to connect to it, and what must never show."""

    def __init__(self, fake, secrets, wrong):
        self.fake, self.secrets, self.wrong = fake, secrets, wrong

    def connect(self, **settings):
        return self.fake.connect(**settings)

    def findings(self, **settings):
        return list(self.connect(**settings).diagnose(WHOLE))


@pytest.fixture(params=["fxiaoke", "shopify", "vendure", "woocommerce", "zoho_crm", *sorted(target_fakes.FAKES)])
def patient(request, tmp_path):
    if request.param in source_fakes.FAKES:
        with source_fakes.FAKES[request.param]() as fake:
            yield Patient(fake, fake.secrets, {"secret": "cs_wrong_canary"})
    else:
        with target_fakes.FAKES[request.param](tmp_path) as fake:
            yield Patient(fake, [fake.secret], {"key": "k-wrong-canary"})


def writes(patient):
    """What the other system has taken down as changed."""
    fake = patient.fake
    server = fake._server if hasattr(fake, "_server") else fake.erp.server
    return server.ledger.count


@pytest.mark.parametrize("system", sorted(name for name in CONNECTORS if has(CONNECTORS[name], Diagnoses)))
def test_ids_are_constant_texts_of_the_system_and_titles_say_what_is_looked_at(system):
    checks = connector_class(system).checks
    assert checks
    for check, title in checks.items():
        assert re.fullmatch(rf"{system}(\.[a-z_]+)+", check)
        assert title[0].islower() or title.startswith("REST")
        assert not title.endswith(".")


def test_a_healthy_account_has_one_finding_a_check_in_their_order_and_none_bad(patient):
    found = patient.findings()
    assert [finding.check for finding in found] == list(patient.connect().checks)
    assert [finding for finding in found if finding.level in {Level.FAIL, Level.UNKNOWN}] == []


def test_a_check_up_changes_nothing_over_there(patient):
    before = writes(patient)
    patient.findings()
    assert writes(patient) == before


def test_wrong_credentials_fail_and_do_not_show(patient):
    found = patient.findings(**patient.wrong)
    assert any(finding.level is Level.FAIL for finding in found)
    shown = repr(found)
    for secret in (*patient.secrets, *patient.wrong.values()):
        assert secret not in shown


def test_what_is_not_in_order_says_what_to_do(patient):
    for found in (patient.findings(), patient.findings(**patient.wrong)):
        for finding in found:
            if finding.level is not Level.OK:
                assert finding.found
                assert finding.next_step, finding


def test_a_system_that_is_away_is_one_failure_and_no_exception(patient):
    connector = patient.connect()
    patient.fake.stop()
    [only] = connector.diagnose(WHOLE)
    assert only.level is Level.FAIL
    assert only.check == next(iter(connector.checks))
    assert only.next_step


def test_a_system_that_never_answers_is_given_up_by_the_deadline(patient):
    connector = patient.connect(deadline_s=0.5)
    plan = patient.fake._server.plan if hasattr(patient.fake, "_server") else patient.fake.erp.plan
    plan.add(kind="hang", count=None, hold_s=PATIENCE_S)
    begun = time.monotonic()
    found = list(connector.diagnose(WHOLE))
    assert time.monotonic() - begun < PATIENCE_S / 2
    assert any(finding.level in {Level.FAIL, Level.UNKNOWN} for finding in found)
