"""What holds for the pages to which people are led in a system."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

import pytest

from connectors.kit.exchanges import capture
from sync.contract.base import Contract

KINDS: Final = ("order", "account", "sale", "shipment", "return", "invoice", "credit_note", "party")


class LinksDocumentsContract(Contract):
    """`LinksDocuments`: an address that a browser may open, or none, and nobody is asked for it."""

    @pytest.mark.parametrize("kind", KINDS)
    def test_a_page_is_one_that_a_browser_may_open_and_no_call_is_made_for_it(self, fake: Any, kind: str) -> None:
        connector = fake.connect()
        with capture() as exchanges:
            page = connector.link(kind, "17")
        assert exchanges == []
        assert page == "" or (urlsplit(page).scheme in {"http", "https"} and urlsplit(page).netloc and "17" in page)

    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("external_id", ["../17", "1?x=y&z#a", 'javascript:"<b>', "1 7"])
    def test_what_is_no_id_leads_nowhere_else(self, fake: Any, kind: str, external_id: str) -> None:
        connector = fake.connect()
        page, plain = connector.link(kind, external_id), connector.link(kind, "17")
        assert page == "" or urlsplit(page)[:2] == urlsplit(plain)[:2]
        assert external_id not in page

    def test_what_it_does_not_know_has_no_page(self, fake: Any) -> None:
        assert fake.connect().link("nothing of the kind", "17") == ""
