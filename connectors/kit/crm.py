"""What a CRM shows of its customers beside single orders: who they are, what they have bought, and what they owe.

Optional as the capabilities of `connectors.kit.facets`: a flow asks for the protocol. A CRM that is a source is told of
each order by `MarksOrders`; this is about accounts. Payloads are the vendor's JSON, made by a mapping (`mappings.crm`).
`crm_keys` declares for each kind of record that we make how it is kept single: `account`, `contact`, `entry`.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Final, Protocol, runtime_checkable

from connectors.kit.base import JsonDict, KeyDeclaration
from connectors.kit.errors import ConnectorError, RecordRejected
from connectors.kit.words import say

#: The code of a RecordRejected that says: there is no such account any more.
GONE: Final = "gone"


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

        The same twice does what once does. An account that is gone (code `GONE`), locked or refuses a value is a
        RecordRejected.
        Raises what stops them all: Transient, ConnectionBroken, OutcomeUnknown.
        """


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What became of one record that was to be made: its id, or why there is none."""

    external_id: str = ""
    #: False for one that was there before under the same key.
    new: bool = False
    #: OutcomeUnknown where it may stand: the same call after the settle time finds it.
    error: ConnectorError | None = None


@runtime_checkable
class CreatesAccounts(Protocol):
    """Makes the account of a customer whom the CRM does not know."""

    crm_keys: Mapping[str, KeyDeclaration]

    @abstractmethod
    def takes_accounts(self) -> bool:
        """Whether the connection names what it takes (a field for our key). No HTTP."""

    @abstractmethod
    def create_accounts(self, payloads: Mapping[str, JsonDict]) -> dict[str, Made]:
        """An account under each of our keys (100 characters at most): the one that stands there, else a new one.

        The key is looked for first and written by the call that makes the account; one that stands is left as it is.
        Never two calls at once for one key. AlreadyExists with the code `same_name` is an account of somebody else that
        the CRM would take for this one; RecordRejected with `doubled` are several under one key: both for a person.
        Raises what stops them all: Transient, ConnectionBroken.
        """


@runtime_checkable
class TakesContacts(Protocol):
    """Keeps the people who buy for an account."""

    crm_keys: Mapping[str, KeyDeclaration]

    @abstractmethod
    def create_contacts(self, payloads: Mapping[str, JsonDict]) -> dict[str, Made]:
        """A contact for each e-mail address, at the account that its payload names; one that stands is left as it is.

        One that stands at no account is given it; AlreadyExists with the code `elsewhere` is one of another account.
        Raises what stops them all: Transient, ConnectionBroken.
        """


@runtime_checkable
class TellsAccounts(Protocol):
    """Takes entries of a customer's history at an account: an order, a parcel, an invoice."""

    crm_keys: Mapping[str, KeyDeclaration]

    @abstractmethod
    def takes_entries(self) -> bool:
        """Whether the connection names what it takes. No HTTP."""

    @abstractmethod
    def list_entries(self, account_id: str, *, since: dt.datetime | None = None) -> list[JsonDict]:
        """What stands at one account, oldest first; of a long history only what was written from `since` on, or more.

        Raises Transient, ConnectionBroken.
        """

    @abstractmethod
    def add_entry(self, account_id: str, payload: JsonDict) -> JsonDict:
        """One more, whatever there is: look first. It comes back with its `id`; nobody is mailed.

        Raises RecordRejected (`GONE` for an account that is no longer there), OutcomeUnknown, Transient ...
        """


def doubled(key: str, ids: Sequence[str]) -> RecordRejected:
    """What is said of several records that stand under one key of ours."""
    text = say("several accounts carry our key %(key)s: %(accounts)s", key=key, accounts=", ".join(ids))
    return RecordRejected(text, code="doubled")
