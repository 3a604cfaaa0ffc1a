"""Which tests a connector must pass: one class for each capability that it declares."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import pytest

from connectors.kit import base, crm, facets, stock
from connectors.kit.base import ConnectorSettings
from connectors.kit.errors import ConnectionBroken
from connectors.registry import has
from sync.contract.base import Contract, Running
from sync.contract.checkups import DiagnosesContract
from sync.contract.crms import (
    CreatesAccountsContract,
    KeepsAccountsContract,
    TakesContactsContract,
    TellsAccountsContract,
)
from sync.contract.documents import (
    BooksFeesContract,
    DraftsPaymentsContract,
    FeesKeptSingle,
    GivesFilesContract,
    ListsRefundsContract,
    MakesInvoicesContract,
    PaymentsKeptSingle,
    PostsInvoicesContract,
    RefundsKeptSingle,
    RefundsSalesContract,
    TakesPaymentsContract,
)
from sync.contract.following import (
    CallsOffGoodsContract,
    ChangesSalesContract,
    FollowsSalesContract,
    StockSourceContract,
)
from sync.contract.links import LinksDocumentsContract
from sync.contract.shops import (
    DetailsRefundsContract,
    MakesRefundsContract,
    MarksOrdersContract,
    RefundsOfShopContract,
    StockTargetContract,
    TakesFulfilmentsContract,
    TakesNotesContract,
)
from sync.contract.sources import FetchesOrdersContract, ListsOrdersContract, PullsOrdersContract, RewindsPullsContract
from sync.contract.targets import OffersTestSaleContract, SalesTargetContract, SearchesSalesContract
from sync.contract.webhooks import ManagesWebhooksContract, ReceivesWebhooksContract

#: Side of a system -> capability -> its tests. A side is what one stand-in stands for.
SIDES: Final[Mapping[str, Mapping[type, type[Contract]]]] = {
    "source": {
        base.PullsOrders: PullsOrdersContract,
        base.FetchesOrders: FetchesOrdersContract,
        base.ListsOrders: ListsOrdersContract,
        base.RewindsPulls: RewindsPullsContract,
        base.ReceivesWebhooks: ReceivesWebhooksContract,
        base.ManagesWebhooks: ManagesWebhooksContract,
    },
    "shop": {
        facets.DetailsRefunds: DetailsRefundsContract,
        facets.ListsRefunds: RefundsOfShopContract,
        facets.MakesRefunds: MakesRefundsContract,
        facets.TakesFulfilments: TakesFulfilmentsContract,
        facets.MarksOrders: MarksOrdersContract,
        facets.TakesNotes: TakesNotesContract,
        stock.StockTarget: StockTargetContract,
    },
    "accounts": {
        crm.KeepsAccounts: KeepsAccountsContract,
        crm.CreatesAccounts: CreatesAccountsContract,
        crm.TakesContacts: TakesContactsContract,
        crm.TellsAccounts: TellsAccountsContract,
    },
    "target": {
        base.SalesTarget: SalesTargetContract,
        base.SearchesSales: SearchesSalesContract,
        base.OffersTestSale: OffersTestSaleContract,
    },
    "erp": {
        facets.FollowsSales: FollowsSalesContract,
        facets.RefundsSales: RefundsSalesContract,
        facets.ListsRefunds: ListsRefundsContract,
        facets.TakesPayments: TakesPaymentsContract,
        facets.DraftsPayments: DraftsPaymentsContract,
        facets.BooksFees: BooksFeesContract,
        facets.MakesInvoices: MakesInvoicesContract,
        facets.PostsInvoices: PostsInvoicesContract,
        facets.GivesFiles: GivesFilesContract,
        facets.ChangesSales: ChangesSalesContract,
        facets.CallsOffGoods: CallsOffGoodsContract,
        stock.StockSource: StockSourceContract,
    },
}
#: The same of any side, by whichever of its stand-ins there is.
ANY_SIDE: Final[Mapping[type, type[Contract]]] = {
    base.Diagnoses: DiagnosesContract,
    base.LinksDocuments: LinksDocumentsContract,
}

#: Capability -> its tests, of each side that may declare it.
CAPABILITIES: Final[Mapping[type, tuple[type[Contract], ...]]] = MappingProxyType(
    {
        capability: tuple(side[capability] for side in (*SIDES.values(), ANY_SIDE) if capability in side)
        for capability in (each for side in (*SIDES.values(), ANY_SIDE) for each in side)
    }
)
#: The part of an ERP's tests that holds however it is set up: that nothing stands twice.
KEPT_SINGLE: Final[Mapping[type, type[Contract]]] = {
    facets.RefundsSales: RefundsKeptSingle,
    facets.TakesPayments: PaymentsKeptSingle,
    facets.BooksFees: FeesKeptSingle,
}


class ContractIncomplete(TypeError):
    """A connector declares what nothing stands in for; the message names it."""


class ConnectorContract(Contract):
    """What holds for every connector, whatever it can do."""

    def test_it_is_made_in_the_same_way_as_every_other(self) -> None:
        parameters = inspect.signature(self.connector).parameters
        assert next(iter(parameters)) == "settings"
        assert [parameters[name].kind for name in ("throttle", "dry_run")] == [inspect.Parameter.KEYWORD_ONLY] * 2
        assert not inspect.isabstract(self.connector)

    def test_an_option_that_nobody_knows_is_refused_by_its_name(self) -> None:
        settings = ConnectorSettings(
            name="x", url="https://x.example", key="k-1234", secret="s-1234", options={"no_such_option": 1}
        )
        with pytest.raises(ConnectionBroken, match="no_such_option"):
            self.connector(settings)


def held_by(connector: type) -> dict[type, tuple[str, ...]]:
    """Capability that a connector declares -> the names of the tests that hold it; empty where there are none yet."""
    known = _suites(connector)
    declared = [each for each in connector.__mro__[1:] if each.__module__.startswith("connectors.kit.")]
    return {
        each: tuple(sorted(name for name in dir(known[each][1]) if name.startswith("test_"))) if each in known else ()
        for each in declared
    }


def contract_of(
    connector: type,
    *,
    source: Running | None = None,
    shop: Running | None = None,
    accounts: Running | None = None,
    target: Running | None = None,
    erp: Running | None = None,
    without: Mapping[type, str] = MappingProxyType({}),
) -> type:
    """A test class with all tests of the capabilities that the connector declares in its class header.

    `TestMine = contract_of(Mine, source=running)` in a test module is all that pytest needs. Each side that the
    connector has needs its stand-in (`sync.contract.standins`): a callable that runs it for the length of a `with`
    block. `without` leaves out a capability, for a reason. Raises ContractIncomplete naming what else nothing stands in
    for.
    """
    given = {"source": source, "shop": shop, "accounts": accounts, "target": target, "erp": erp}
    given[""] = next((each for each in given.values() if each is not None), None)
    suites = {
        capability: (given[side], tests)
        for capability, (side, tests) in _suites(connector).items()
        if capability not in without
    }
    if missing := [capability.__name__ for capability, (running, _) in suites.items() if running is None]:
        raise ContractIncomplete(
            f"{connector.__name__} declares {', '.join(missing)}, and no stand-in for that side was given; "
            f"give one of {', '.join(SIDES)}, or say in `without` why it is left out"
        )
    nested = {capability.__name__: suite for capability, suite in suites.items()}
    return _bound(connector, {"Connector": (None, ConnectorContract), **nested})


def kept_single_of(connector: type, erp: Running) -> type:
    """As `contract_of`, for one more way in which an ERP can be set up: only that nothing stands twice."""
    nested = {each.__name__: (erp, tests) for each, tests in KEPT_SINGLE.items() if has(connector, each)}
    return _bound(connector, nested)


def _suites(connector: type) -> dict[type, tuple[str, type[Contract]]]:
    """Capability that it declares -> the side whose stand-in is asked ("" for any), and the tests."""
    sides = ("target", "erp") if has(connector, base.SalesTarget) else ("source", "shop", "accounts")
    found = {capability: (side, tests) for side in sides for capability, tests in SIDES[side].items()}
    found |= {capability: ("", tests) for capability, tests in ANY_SIDE.items()}
    return {capability: suite for capability, suite in found.items() if has(connector, capability)}


def _bound(connector: type, suites: Mapping[str, tuple[Running | None, type[Contract]]]) -> type:
    members: dict[str, Any] = {"connector": connector}
    for name, (running, tests) in suites.items():
        bound = {"connector": connector, "stand_in": staticmethod(running) if running else None}
        members[f"Test{name}"] = type(f"Test{name}", (tests,), bound)
    return type(f"Test{connector.__name__}", (), members)
