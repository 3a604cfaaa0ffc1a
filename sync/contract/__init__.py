"""What sync relies on in a connector and a mapping, as tests: the same for ours and for third parties'.

    from sync.contract import contract_of
    TestMine = contract_of(Mine, source=running)

It needs pytest, which Crossdock itself does not: `pip install crossdock[contract]`.
"""

from __future__ import annotations

import pkgutil

try:
    import pytest
except ImportError as error:
    raise ImportError("the contract suites need pytest: pip install 'crossdock[contract]'") from error

# Before any of them is imported: their failures show what was compared.
pytest.register_assert_rewrite(*(f"{__name__}.{module.name}" for module in pkgutil.iter_modules(__path__)))

from sync.contract.mappings import mapping_contract_of
from sync.contract.standins import (
    PLACED_AT,
    REFUNDED,
    TAX,
    TOTAL,
    WINDOW,
    AccountsStandIn,
    ErpStandIn,
    ShopStandIn,
    SourceStandIn,
    StandIn,
    TargetStandIn,
)
from sync.contract.suite import CAPABILITIES, ContractIncomplete, contract_of, held_by, kept_single_of

__all__ = [
    "CAPABILITIES",
    "PLACED_AT",
    "REFUNDED",
    "TAX",
    "TOTAL",
    "WINDOW",
    "AccountsStandIn",
    "ContractIncomplete",
    "ErpStandIn",
    "ShopStandIn",
    "SourceStandIn",
    "StandIn",
    "TargetStandIn",
    "contract_of",
    "held_by",
    "kept_single_of",
    "mapping_contract_of",
]
