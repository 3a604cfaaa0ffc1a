"""The CRMs whose accounts are held by `sync.contract`, with what the suite must know of them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from tests.contract.shop_fakes import FxiaokeCompany, ZohoCrmShop


class ZohoAccounts(ZohoCrmShop):
    """The sandbox organisation, in this process."""

    unknown_account = "5725767000000999999"
    _paths: Final = {"account": "*/Accounts/upsert", "contact": "*/Contacts/upsert", "entry": "*/Notes"}

    def account(self, name: str) -> str:
        return str(self.app.organisation.insert("Accounts", {"Account_Name": name})["id"])

    def bought(self, account_id: str) -> Decimal:
        return Decimal(str(self.app.organisation.records["Accounts"][account_id]["Crossdock_Value"]))

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
        "account_value_field": "bought__c",
        "vat_id_field": "tax_no__c",
        "entry_object": "history__c",
        "entry_title_field": "name",
        "entry_text_field": "text__c",
    }
    _paths: Final = {"account": "/cgi/crm/v2/data/create", "entry": "/cgi/crm/custom/v2/data/create"}

    def account(self, name: str) -> str:
        return self.company.create("AccountObj", {"name": name})

    def bought(self, account_id: str) -> Decimal:
        return Decimal(self.company.objects["AccountObj"][account_id]["bought__c"])

    def accounts(self, key: str) -> list[str]:
        return [row["_id"] for row in self.company.objects["AccountObj"].values() if row.get("ext_id__c") == key]

    def break_next(self, action: str, **fault: Any) -> None:
        self._server.plan.add(path=self._paths[action], **fault)
