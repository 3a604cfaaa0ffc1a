"""The tree of a document: every value has the path by which a rule finds just this value."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from mappings.profiles.bounds import Budget
from mappings.profiles.expressions import compile_expression
from mappings.profiles.outline import MOST_ELEMENTS, outline

NAMES = st.text(min_size=1, max_size=6)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)


def leaves(nodes):
    for node in nodes:
        if node.children:
            yield from leaves(node.children)
        else:
            yield node


def read(path, roots):
    return compile_expression(path).evaluate(roots, Budget())


@given(st.dictionaries(NAMES, VALUES, max_size=4))
def test_the_path_of_every_value_finds_it(document):
    for leaf in leaves(outline(document)):
        found = read(leaf.path, {"source": document})
        assert leaf.value == json.dumps(found, ensure_ascii=False)


def test_within_a_list_a_path_begins_at_its_element():
    document = {"rows": [{"Order no": "1", "options": [{"a.b": 7}]}]}
    [rows] = outline(document)
    [first] = rows.children
    number, options = first.children
    assert number.item == 'item."Order no"'
    assert read(number.item, {"item": document["rows"][0]}) == "1"
    [[leaf]] = [one.children for one in options.children]
    assert read(leaf.item, {"item": document["rows"][0]["options"][0]}) == 7


def test_a_long_list_and_a_large_document_are_told_in_part_and_say_so():
    [rows] = outline({"rows": list(range(MOST_ELEMENTS + 5))})
    assert (len(rows.children), rows.more) == (MOST_ELEMENTS, 5)
    assert len(list(leaves(outline({str(number): number for number in range(50)}, most=10)))) == 10


def test_a_long_value_is_cut():
    [node] = outline({"note": "x" * 500})
    assert len(node.value) == 120
    assert node.value.endswith("...")
