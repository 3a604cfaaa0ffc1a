"""What holds for the pages to which people are led in a system."""

from __future__ import annotations

import itertools
from typing import Any, Final
from urllib.parse import urlsplit

from connectors.kit.exchanges import capture
from sync.contract.base import Contract

KINDS: Final = ("order", "account", "sale", "shipment", "return", "invoice", "credit_note", "party")
#: No ids.
STRANGE: Final = ("../17", "1?x=y&z#a", 'javascript:"<b>', "1 7")


class LinksDocumentsContract(Contract):
    """`LinksDocuments`: an address that a browser may open, or none, and nobody is asked for it."""

    def test_a_page_is_one_that_a_browser_may_open_and_no_call_is_made_for_it(self, fake: Any) -> None:
        connector = fake.connect()
        with capture() as exchanges:
            pages = [connector.link(kind, "17") for kind in KINDS]
        assert exchanges == []
        for page in filter(None, pages):
            assert urlsplit(page).scheme in {"http", "https"}
            assert urlsplit(page).netloc
            assert "17" in page

    def test_what_is_no_id_leads_nowhere_else(self, fake: Any) -> None:
        connector = fake.connect()
        for kind, strange in itertools.product(KINDS, STRANGE):
            page, plain = connector.link(kind, strange), connector.link(kind, "17")
            assert page == "" or urlsplit(page)[:2] == urlsplit(plain)[:2]
            assert strange not in page

    def test_what_it_does_not_know_has_no_page(self, fake: Any) -> None:
        assert fake.connect().link("nothing of the kind", "17") == ""
