"""The JSON Schema and the reader say the same of what a profile may look like."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from mappings.profiles import ProfileError, read_profile
from mappings.profiles.reference import PAGE, page
from mappings.profiles.schema import FILE, language_schema, text
from mappings.profiles.steps import STEPS
from tests.mappings.profiles.test_shop import RULES as SHOP
from tests.mappings.profiles.test_target import TRYTON
from tests.mappings.profiles.test_whole import CSV

VALIDATOR = jsonschema.Draft202012Validator(language_schema())
EXAMPLES = [
    Path(__file__).with_name("woocommerce_whole.yaml").read_text(),
    CSV,
    "profile: p\nextends: woocommerce\nerp:\n  tryton:\n" + "".join(f"    {each}\n" for each in TRYTON.splitlines()),
    "profile: p\nextends: woocommerce\nshop:\n  woocommerce:\n"
    + "".join(f"    {each}\n" for each in SHOP.splitlines()),
    "profile: p\nextends: woocommerce\nsource:\n  lines:\n    where: this.sku\n    rules: []",
]


def head(rule: str, scope: str = "order") -> str:
    return f"profile: p\nextends: woocommerce\nsource:\n  {scope}:\n    - {rule}"


def accepts_schema(document: str) -> bool:
    value: Any = yaml.safe_load(document)
    return bool(VALIDATOR.is_valid(value))


def accepts_reader(document: str) -> bool:
    try:
        read_profile(document, "p.yaml")
    except ProfileError:
        return False
    return True


def test_the_file_is_what_the_reader_says():
    assert FILE.read_text("utf-8") == text(), "run: python -m mappings.profiles.schema"


def test_the_schema_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(language_schema())


@pytest.mark.parametrize("document", EXAMPLES, ids=range(len(EXAMPLES)))
def test_what_the_reader_takes_the_schema_takes(document: str):
    assert accepts_reader(document)
    assert not list(VALIDATOR.iter_errors(yaml.safe_load(document)))


@pytest.mark.parametrize("kind", STEPS.values(), ids=lambda kind: kind.name)
def test_the_example_of_each_step_is_taken_by_both(kind: Any):
    field, verb = ("totals.grand", "copy") if kind.carries else ("note", "copy")
    step = kind.example if kind.example == kind.name else "{" + kind.example + "}"
    document = head(f"{{to: {field}, {verb}: source.x, then: [{step}]}}")
    assert accepts_reader(document)
    assert accepts_schema(document)


@pytest.mark.parametrize(
    "document",
    [
        *("profile: Has Blanks\nextends: none", "profile: p\nextends: nobody", "extends: woocommerce", "[]", "text"),
        *("profile: p\nextends: woocommerce\nextra: 1", "profile: p\nextends: woocommerce\nsource: {orders: []}"),
        "profile: p\nextends: woocommerce\nerp: {sap: {}}",
        "profile: p\nextends: woocommerce\nshop: {woocommerce: {x: []}}",
        head("{to: nope, copy: source.x}"),
        head("{to: note}"),
        head("{copy: source.x}"),
        head("{to: note, copy: source.x, set: source.y}"),
        head("{to: note, copy: [source.x]}"),
        head("{to: note, copy: source.x, then: [shout]}"),
        head("{to: note, copy: source.x, then: [{case: middle}]}"),
        head("{to: note, copy: source.x, then: [{cut: many}]}"),
        head("{to: note, copy: source.x, then: [{replace: {text: a}}]}"),
        head("{to: note, copy: source.x, then: [{trim: {hard: yes}}]}"),
        head("{to: note, copy: source.x, as: decimal}"),
        head("{to: note, map: {each: source.x, rules: []}}"),
        head("{to: note, concatenate: []}"),
        head("{to: note, drop: maybe}"),
        head("{to: lines, copy: source.x}"),
        head("{to: tax_lines, map: {where: item.x, rules: []}}", "lines"),
        head("{to: tax_lines, map: {each: item.x, rules: [{to: nope, copy: item.y}]}}", "lines"),
    ],
)
def test_what_the_schema_refuses_the_reader_refuses(document: str):
    assert not accepts_schema(document)
    assert not accepts_reader(document)


def test_the_reference_page_is_what_the_reader_says():
    assert PAGE.read_text("utf-8") == page(), "run: python -m mappings.profiles.reference"
