"""The check-up of a real Tryton, and the proof of its key."""

from __future__ import annotations

import pytest

from connectors.kit.errors import AlreadyExists, RecordRejected
from connectors.kit.findings import Circumstances, Level
from connectors.kit.preparing import Need, NeedKind
from connectors.tryton.checkup import CHECKS
from mappings.canonical.refs import Ref
from tests.real.tryton_world import connect, new_web_shop
from tests.shared import PATIENCE_S

pytestmark = [pytest.mark.loopback, pytest.mark.slow, pytest.mark.heavy, pytest.mark.timeout(900)]


def found(target):
    return {finding.check.removeprefix("tryton."): finding for finding in target.diagnose(Circumstances())}


def test_a_set_up_company_is_in_order(erp):
    findings = found(connect(erp, deadline_s=PATIENCE_S))
    assert [f"tryton.{check}" for check in findings] == list(CHECKS)
    assert [finding for finding in findings.values() if finding.level is not Level.OK] == []


def test_a_user_without_groups_lacks_rights_and_says_which(erp):
    finding = found(connect(erp, login=False, key=erp.poor_rest_key))["rights"]
    assert finding.level is Level.FAIL
    assert "sale.sale: read, write, create, delete" in finding.found


def test_a_wrong_key_a_wrong_password_and_a_wrong_database_are_told_apart(erp):
    assert found(connect(erp, key="0" * 128))["key"].level is Level.FAIL
    assert found(connect(erp, password="wrong"))["login"].level is Level.FAIL
    assert "`database`" in found(connect(erp, options={"database": "other"}))["key"].next_step


def test_a_test_sale_is_taken_once_refused_the_second_time_and_can_be_removed(erp):
    target = connect(erp, web_shop=new_web_shop(erp))
    payload = target.test_sale("crossdock-doctor-1")
    [first] = target.create_sales([payload])
    [second] = target.create_sales([payload])
    assert first.document is not None
    assert isinstance(second.error, AlreadyExists)
    target.delete_draft(first.document)
    assert target.find_sales(["crossdock-doctor-1"]) == {}


def test_a_service_product_that_a_channel_presumes_is_made_once(erp):
    target, need = connect(erp), Need(kind=NeedKind.PRODUCT, name="GIFT_WRAP")
    ref = Ref("product", need.name)
    assert target.resolve([ref]) == {}
    with pytest.raises(RecordRejected, match="group Account Product Administration"):
        target.prepare(need)
    admin = erp.admin()
    user = admin.one("res.user", [["login", "=", "integration"]])
    group = admin.xml_id("account_product", "group_account_product_admin")
    admin.call("model.res.user.write", [user], {"groups": [["add", [group]]]})
    try:
        target.prepare(need)
        target.prepare(need)
    finally:
        admin.call("model.res.user.write", [user], {"groups": [["remove", [group]]]})
    made = target.resolve([ref])[ref]
    assert made["type"] == "service"
    assert made["salable"] is True
    field = Need(kind=NeedKind.FIELD, of="order", name="x_channel")
    known = Need(kind=NeedKind.FIELD, of="order", name="comment")
    assert target.lacking([field, known]) == [field]
    with pytest.raises(RecordRejected, match="no module that is activated"):
        target.prepare(field)
