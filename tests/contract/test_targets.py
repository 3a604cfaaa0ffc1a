"""What holds for every ERP, whatever it speaks to and however it is set up: one suite over all of them.

The real Tryton is held by `tests/real`.
"""

from __future__ import annotations

import functools

import pytest

from connectors.odoo import Odoo
from connectors.sandbox_erp import SandboxErp
from sync.contract import contract_of, kept_single_of
from sync.contract.suite import SIDES
from tests.contract.facet_fakes import odoo as odoo_erp
from tests.contract.facet_fakes import sandbox_erp
from tests.contract.target_fakes import odoo
from tests.contract.target_fakes import sandbox_erp as target

pytestmark = pytest.mark.loopback

_loosely = functools.partial(sandbox_erp, enforce_key=False)

TestOdoo = contract_of(Odoo, target=odoo, erp=odoo_erp)
TestSandboxErp = contract_of(SandboxErp, target=target, erp=sandbox_erp)
TestSandboxErpWithoutEnforcedKey = contract_of(
    SandboxErp,
    target=functools.partial(target, enforce_key=False),
    without=dict.fromkeys(SIDES["erp"], "only its keys: below"),
)
TestKeysThatAreNotEnforced = kept_single_of(SandboxErp, _loosely)
TestReferencesThatAreEnforced = kept_single_of(SandboxErp, functools.partial(sandbox_erp, enforce_reference=True))
