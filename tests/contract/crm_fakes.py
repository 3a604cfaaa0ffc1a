"""The CRMs against which the capabilities of accounts are held, one entry per connector.

To join: a class with these members, and a context manager that yields one; add it to `CRMS`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from tests.contract.shop_fakes import FxiaokeCompany, ZohoCrmShop


class CrmFake(Protocol):
    """A running stand-in of one CRM, and what a test must know of its accounts."""

    #: As in `mappings.registry.CRM_FACETS`.
    system: str
    unknown_account: str

    def connect(self) -> Any:
        """A new connector."""
        ...

    def account(self, name: str) -> str:
        """Somebody makes an account by hand; its id."""
        ...

    def accounts(self, key: str) -> list[str]:
        """The ids of the accounts that carry our key."""
        ...

    def contacts(self, email: str) -> list[str]:
        """The ids of the contacts with an e-mail address, where there are contacts."""
        ...

    def break_next(self, action: str, **fault: Any) -> None:
        """The next `account`, `contact` or `entry` that is made runs into this fault."""
        ...

    def mend(self) -> None:
        """No call runs into any fault any more."""
        ...


class ZohoAccounts(ZohoCrmShop):
    """The sandbox organisation, in this process."""

    unknown_account = "5725767000000999999"
    _paths: Final = {"account": "*/Accounts/upsert", "contact": "*/Contacts/upsert", "entry": "*/Notes"}

    def account(self, name: str) -> str:
        return str(self.app.organisation.insert("Accounts", {"Account_Name": name})["id"])

    def accounts(self, key: str) -> list[str]:
        records = self.app.organisation.records["Accounts"].values()
        return [row["id"] for row in records if row.get("Crossdock_Key") == key]

    def contacts(self, email: str) -> list[str]:
        return [row["id"] for row in self.app.organisation.records["Contacts"].values() if row["Email"] == email]

    def break_next(self, action: str, **fault: Any) -> None:
        self._server.plan.add(method="POST", path=self._paths[action], **fault)


class FxiaokeAccounts(FxiaokeCompany):
    """The sandbox company, in this process."""

    unknown_account = "ffffffffffffffffffffffff"
    options: Final = {
        "account_key_field": "ext_id__c",
        "vat_id_field": "tax_no__c",
        "entry_object": "history__c",
        "entry_title_field": "name",
        "entry_text_field": "text__c",
    }
    _paths: Final = {"account": "/cgi/crm/v2/data/create", "entry": "/cgi/crm/custom/v2/data/create"}

    def account(self, name: str) -> str:
        return self.company.create("AccountObj", {"name": name})

    def accounts(self, key: str) -> list[str]:
        return [row["_id"] for row in self.company.objects["AccountObj"].values() if row.get("ext_id__c") == key]

    def break_next(self, action: str, **fault: Any) -> None:
        self._server.plan.add(path=self._paths[action], **fault)


CRMS: Final[Mapping[str, Callable[[], contextlib.AbstractContextManager[CrmFake]]]] = {
    "fxiaoke": FxiaokeAccounts.running,
    "zoho_crm": ZohoAccounts.running,
}
