"""Every query and mutation that we send, held against the vendor's published schema."""

from __future__ import annotations

from functools import cache

import graphql
import pytest

from connectors.shopify import queries, way_back
from tests.shared import shared_path


@cache
def schema() -> graphql.GraphQLSchema:
    """As published for the version that we name, cut to what an integration needs; read where it lies."""
    text = shared_path(f"vendor/shopify/admin-graphql-{queries.VERSION}.trimmed.graphql").read_text()
    return graphql.build_schema(text, assume_valid_sdl=True)


def problems(document: str) -> list[str]:
    return [error.message for error in graphql.validate(schema(), graphql.parse(document))]


def name_of(document: str) -> str:
    parsed = graphql.parse(document)
    return next(each.name.value for each in parsed.definitions if isinstance(each, graphql.OperationDefinitionNode))


@pytest.mark.parametrize("document", [*queries.ALL, *way_back.ALL], ids=name_of)
def test_what_we_send_is_valid(document: str):
    assert problems(document) == []


def test_what_a_bulk_operation_runs_is_valid_and_what_shopify_lets_it_be():
    document = queries.history("2026-11-01T00:00:00")
    assert problems(document) == []
    fields = list(named(graphql.parse(document).definitions[0]))
    assert [path for name, path in fields if name == "nodes"] == []
    # At most five lists, two deep, none inside of a refund; no variables, and no fragments but those of a type.
    connections = [path for name, path in fields if name == "edges"]
    assert [path.count("edges") for path in connections] == [0, 1, 1, 1]
    assert not any("refunds" in path for path in connections)
    assert "fragment" not in document
    assert "$" not in document


def named(node, path=()):
    """Every field with the names of those above it."""
    for each in node.selection_set.selections if getattr(node, "selection_set", None) else ():
        name = each.name.value if isinstance(each, graphql.FieldNode) else ""
        yield name, path
        yield from named(each, (*path, name))


@pytest.mark.parametrize("module", [queries, way_back], ids=lambda module: module.__name__)
def test_nothing_that_is_sent_is_left_out_here(module):
    sent = {value for name, value in vars(module).items() if not name.startswith("_") and "\n" in str(value)}
    assert {value for value in sent if isinstance(value, str) and value.lstrip()} - {module.__doc__} == set(module.ALL)


def test_a_field_that_the_vendor_does_not_have_is_found():
    assert problems("{ orders(first: 1) { nodes { totalPrise } } }")
