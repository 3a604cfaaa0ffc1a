"""`mapping try`: one answer a document, whatever the file holds."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mappings.registry import SOURCES, TARGETS
from mappings.tryout import NoSuchMapping, try_document
from tests.mappings.woocommerce_orders import woo_line, woo_order


def lines(document: Any, **options: Any) -> list[dict[str, Any]]:
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    return [result.to_json("order.json") for result in try_document("woocommerce", data, **options)]


def plain_order(**changes: Any) -> dict[str, Any]:
    return woo_order(line_items=[woo_line(price=10)], **changes)


def test_an_order_that_maps_is_shown():
    (line,) = lines(plain_order())
    assert list(line) == ["file", "ok", "order"]
    assert (line["file"], line["ok"]) == ("order.json", True)
    assert (line["order"]["currency"], line["order"]["totals"]["grand"]) == ("EUR", "28.70")


def test_all_problems_are_shown_and_the_first_of_them_is_the_error():
    (line,) = lines(plain_order(total="12,5", status="lost", number=None))
    assert list(line) == ["file", "ok", "error", "problems"]
    assert line["ok"] is False
    assert {problem["path"] for problem in line["problems"]} == {"total", "status", "number"}
    assert all(list(problem) == ["cause", "path", "reason"] for problem in line["problems"])
    assert line["error"] == {key: line["problems"][0][key] for key in ("path", "reason")}


def test_each_order_of_a_list_gets_its_own_answer():
    answers = lines([plain_order(), plain_order(total="0.00"), 5])
    assert [(answer["element"], answer["ok"]) for answer in answers] == [("[0]", True), ("[1]", False), ("[2]", False)]
    assert answers[2]["error"]["path"] == ""


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"[]", b"[1, 2]", b"{}", b"null", b"42", b'"order"', b"NaN", b'{"id": 29}', b"\x89PNG\r\n\x1a\n\x00"),
        *(b"<!DOCTYPE html><html>", b"\xff\xfe{\x00}\x00", b"[" * 100_000, b"9" * 5000, b'{"id": 1, "id": 2}'),
        '{"billing": "Köln"}'.encode("latin-1"),
    ],
    ids=lambda data: repr(data)[:30],
)
def test_what_cannot_be_read_has_a_reason(data: bytes):
    answers = lines(data)
    assert answers
    assert not any(answer["ok"] for answer in answers)
    assert all(answer["error"]["reason"] for answer in answers)


def test_the_sale_of_a_target_is_shown_with_stand_ins_for_what_only_the_target_knows():
    (line,) = lines(plain_order(), to="sandbox_erp")
    assert list(line) == ["file", "ok", "payload"]
    assert line["payload"]["party"] == "<party:email:juergen@example.test#teehaus lodz>"
    assert line["payload"]["lines"][0]["product"] == "<product:SIEB-ST>"


def test_what_the_target_cannot_take_is_a_problem_too():
    document = woo_order(line_items=[woo_line(sku=None, price=10)])
    (line,) = lines(document, to="sandbox_erp")
    assert line["problems"][0]["cause"] == "unknown_sku"


def test_a_system_without_mapping_is_named_with_those_that_have_one():
    with pytest.raises(NoSuchMapping, match="'woo'; there are fxiaoke, shopify, vendure, woocommerce"):
        try_document("woo", b"{}")
    with pytest.raises(NoSuchMapping, match="sandbox_erp"):
        try_document("woocommerce", b"{}", to="sap")


def test_every_mapping_has_a_version_that_can_be_hashed():
    assert all(mapping.version for mapping in (*SOURCES.values(), *TARGETS.values()))
