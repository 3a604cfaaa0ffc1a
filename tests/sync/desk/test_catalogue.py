"""The error catalogue knows every class and code that the program names, and nothing that it does not."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator

import pytest

import connectors
import mappings
import sync
from connectors.fxiaoke import codes as fxiaoke
from connectors.kit import errors
from connectors.kit.errors import AlreadyExists, ConnectorError, RecordRejected, Transient
from connectors.kit.facets import NOT_PRINTED
from connectors.shopify import codes as shopify
from connectors.vendure import codes as vendure
from connectors.woocommerce import codes as woocommerce
from connectors.zoho_crm import codes as zoho_crm
from mappings.canonical.errors import Problems, Unmapped
from sync.desk import outcomes
from sync.desk.catalogue.book import entries, find, of_code, of_error, of_issue
from sync.desk.catalogue.classes import CLASSES, INTERNAL
from sync.desk.catalogue.codes import CODES, SHARED
from sync.desk.catalogue.page import PAGE, page
from sync.desk.causes import CAUSES
from sync.rules import stops
from tests.shared import REPOSITORY

#: Stand-ins for vendors: their texts are told as those of any other system.
OURS = {"sandbox", "sandbox_erp"}
ID = re.compile(r"[a-z_]+\.[a-z0-9_]+")


def classes() -> set[str]:
    """Every error by which something is decided about a document."""
    for package in (connectors, mappings, sync):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if "sandbox" not in module.name and "migrations" not in module.name and "__main__" not in module.name:
                importlib.import_module(module.name)
    found = {kind for kinds, _ in outcomes._TABLE for kind in kinds}
    found |= {kind for _, kind in inspect.getmembers(stops, inspect.isclass) if kind.__module__ == stops.__name__}
    for root in (ConnectorError, Problems):
        found |= {root, *below(root)}
    return {
        kind.__name__ for kind in found if kind.__module__.partition(".")[0] != "tests" and issubclass(kind, Exception)
    }


def below(kind: type) -> Iterator[type]:
    for one in kind.__subclasses__():
        yield one
        yield from below(one)


def codes() -> set[tuple[str, str]]:
    """(folder of the connector, code) of every code that is written out where an error is made."""
    found = set()
    for file in (REPOSITORY / "connectors").rglob("*.py"):
        folder, *_ = file.relative_to(REPOSITORY / "connectors").parts
        if folder not in OURS:
            tree = ast.parse(file.read_text("utf-8"))
            found |= {(folder, code) for call in ast.walk(tree) if isinstance(call, ast.Call) for code in named(call)}
    found |= {("woocommerce", code) for code in (*woocommerce._BROKEN, *woocommerce._REJECTED)}
    found |= {("shopify", code) for code in (shopify.WALL, shopify.NOT_SHOPIFY, shopify.REFUSED)}
    told = (*fxiaoke.BROKEN, *fxiaoke._TOO_FAST, *fxiaoke._BUSY, *fxiaoke.STALE, fxiaoke.DAY_SPENT)
    found |= {("fxiaoke", fxiaoke.name_of(code)) for code in told} | {("fxiaoke", "no_token")}
    found |= {("vendure", code) for code in (vendure.NOT_VENDURE, vendure.GONE, "graphql")}
    found |= {("zoho_crm", code) for code in (*zoho_crm._BROKEN, *zoho_crm._HELD, *zoho_crm.CHANGED)}
    found |= {("kit", errors.RateLimited.OWN_RATE), ("odoo", NOT_PRINTED)}
    return found


def named(call: ast.Call) -> Iterator[str]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name in {"say", "say_many"}:
        return
    values = [keyword.value for keyword in call.keywords if keyword.arg == "code"]
    # The helpers of the kit and of WooCommerce take it by its place.
    values += call.args[2:3] if name == "_lost" else call.args[1:2] if name == "asked_to_slow_down" else []
    for value in values:
        if isinstance(value, ast.Constant) and value.value:
            yield value.value


def entry_of(folder: str, code: str):
    return CODES.get(f"{SHARED}.{code}") if folder == "kit" else of_code(folder, code)


def test_every_class_of_errors_has_an_entry_and_every_entry_a_class():
    assert classes() ^ set(CLASSES) <= {"Stopped", "BaseException"}
    assert "Stopped" in CLASSES


def test_every_code_that_a_connector_names_has_an_entry():
    assert {("tryton", "warning"), ("kit", "dns"), ("woocommerce", "rest_no_route")} <= codes()
    assert {(folder, code) for folder, code in codes() if entry_of(folder, code) is None} == set()


def test_no_entry_is_of_a_code_that_nobody_names_any_more():
    named_here = {entry_of(folder, code).id for folder, code in codes()}
    assert set(CODES) - named_here == set()


def test_ids_are_plain_and_each_anchor_is_there_once():
    found = entries()
    assert {error_id for error_id in found if not ID.fullmatch(error_id)} == set()
    assert len({entry.anchor for entry in found.values()}) == len(found)
    assert len(found) == len(CAUSES) + len(CLASSES) + len(CODES) + 1


@pytest.mark.parametrize("entry", entries().values(), ids=lambda entry: entry.id)
def test_every_entry_says_what_happened_and_what_to_do_in_whole_sentences(entry):
    for text in (entry.happened, entry.remedy, *([entry.why] if entry.why is not None else [])):
        assert str(text)[0].isupper()
        assert str(text)[-1] in ".?)"


def test_the_page_is_what_the_catalogue_says():
    assert PAGE.read_text("utf-8") == page(), "run: python -m sync.desk.catalogue.page"


@pytest.mark.parametrize(
    ("error", "system", "error_id"),
    [
        (RecordRejected("no", code="warning"), "tryton", "tryton.warning"),
        (RecordRejected("no", code="warning"), "other", "system.rejected"),
        (RecordRejected("no", code="their-own"), "tryton", "system.rejected"),
        (Transient("no", code="dns"), "tryton", "connection.dns"),
        (AlreadyExists("there"), "tryton", "system.exists"),
        (Unmapped("tax", "19"), "", "order.unmapped"),
        (KeyError("x"), "", INTERNAL.id),
    ],
)
def test_an_error_is_found_by_its_code_and_else_by_its_class(error, system, error_id):
    assert of_error(error, system).id == error_id


@pytest.mark.parametrize(
    ("issue", "error_id"),
    [
        (("rejected", "warning", "tryton"), "tryton.warning"),
        (("rejected", "their-own", "tryton"), "cause.rejected"),
        (("connection", "certificate", "shopware"), "connection.certificate"),
        (("unknown_sku", "gone", "tryton"), "cause.unknown_sku"),
        (("of_tomorrow", "", ""), "cause.of_tomorrow"),
    ],
)
def test_an_issue_is_found_by_the_code_only_where_it_is_about_one(issue, error_id):
    assert of_issue(*issue).id == error_id


def test_an_unknown_id_names_what_is_written_alike():
    assert find("unknown_sku").id == "cause.unknown_sku"
    with pytest.raises(LookupError, match=r"alike: tryton\.warning"):
        find("tryton.warnin")
    with pytest.raises(LookupError, match="lists all"):
        find("zzz")
