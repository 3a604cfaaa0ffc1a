"""The difference of two profiles in words: rules, and neither comments nor layout."""

from __future__ import annotations

from mappings.profiles import read_profile
from sync.rules.profile_changes import rule_changes, unified

BASE = "profile: own\nextends: woocommerce\nsource:\n  order:\n"


def profile(*rules):
    return read_profile(BASE + "".join(f"    - {rule}\n" for rule in rules), "own.yaml")


def told(before, after):
    return [(each.kind, each.where, each.before, each.after) for each in rule_changes(before, after)]


def test_rules_are_told_that_came_went_or_changed():
    before = profile("{to: note, constant: a}", "{to: po_number, copy: source.number}")
    after = profile("{to: note, constant: b, when: source.id}", "{to: payment_terms, copy: source.x, then: [trim]}")
    assert told(before, after) == [
        ("changed", "source.order.note", "constant 'a'", "constant 'b' when source.id"),
        ("added", "source.order.payment_terms", "", "copy source.x | trim"),
        ("removed", "source.order.po_number", "copy source.number", ""),
    ]


def test_comments_and_layout_are_no_difference_in_words_and_one_in_lines():
    text = BASE + "    - {to: note, constant: a}\n"
    other = text.replace("{to: note, constant: a}", "to: note # why\n      constant: a")
    assert told(read_profile(text, "a"), read_profile(other, "b")) == []
    assert "+    - to: note # why" in unified(text, other, ("a", "b"))


def test_without_a_profile_before_all_its_rules_are_added():
    assert told(None, profile("{to: note, constant: a}")) == [
        ("added", "extends", "", "woocommerce"),
        ("added", "source.order.note", "", "constant 'a'"),
    ]
