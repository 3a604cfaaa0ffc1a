"""What a CRM shows of its customers beside single orders: what they have bought, and what they owe.

Optional as the capabilities of `connectors.kit.facets`: a flow asks for the protocol. A CRM that is a source is told of
each order by `MarksOrders`; this is about accounts. Payloads are the vendor's JSON, made by a mapping (`mappings.crm`).
"""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from connectors.kit.base import JsonDict
from connectors.kit.errors import ConnectorError


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AccountMark:
    """By what a CRM may know a customer; the rungs of the match ladder, the surest first. Empty: nobody knows."""

    #: The CRM's own id of the account, where its orders came from this CRM.
    account_id: str = ""
    vat_id: str = ""
    email: str = ""
    #: What the company is called.
    name: str = ""


@runtime_checkable
class KeepsAccounts(Protocol):
    """Finds a customer's account, and shows on it what the customer has bought."""

    #: Accounts of one call of either kind.
    account_batch: int
    #: The longest deadline of any write, in seconds.
    write_deadline_s: float

    @abstractmethod
    def find_accounts(self, marks: Sequence[AccountMark]) -> list[list[JsonDict]]:
        """Of each mark, in order, all accounts (JSON with at least `id` as text) that the first fitting rung finds.

        More than one: nobody but a person may say which it is. None: the CRM does not know the customer.
        Raises Transient, ConnectionBroken.
        """

    @abstractmethod
    def update_accounts(self, payloads: Mapping[str, JsonDict]) -> dict[str, ConnectorError]:
        """Write absolute values to accounts, by id; answers what went wrong with which, and nothing of the others.

        The same twice does what once does. An account that is gone, locked or refuses a value is a RecordRejected.
        Raises what stops them all: Transient, ConnectionBroken, OutcomeUnknown.
        """
