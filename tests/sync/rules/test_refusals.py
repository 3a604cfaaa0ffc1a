from __future__ import annotations

import pytest

from connectors.kit.errors import RecordRejected
from sync.rules.refusals import normalised, refusal_of


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("sale 17: party '4711' is locked", "sale …: party … is locked"),
        ("date 2026-11-01 is closed", "date … is closed"),
        ("The party “Anna Müller” can't be used.", "The party … can't be used."),
        ("„Anna“ und «Bob» fehlen", "… und … fehlen"),
        ("articles A-1, B-2, C-3 are missing", "articles … are missing"),
        ("article A-9 is missing", "article … is missing"),
        ("buyer anna@example.com is blocked", "buyer … is blocked"),
        ("see https://shop.example/orders/12 for it", "see … for it"),
        ("it's  Anna's\nfault", "it's Anna's fault"),
        ('The value for field "Party" in "Sale" is required.', 'The value for field "Party" in … is required.'),
        ("", ""),
    ],
)
def test_what_differs_between_equal_refusals_is_taken_out(text, left):
    assert normalised(text) == left


@pytest.mark.parametrize(
    ("error", "subject"),
    [
        (RecordRejected("order 7 is closed", code="closed"), "closed: order … is closed"),
        (RecordRejected("order 7 is closed"), "order … is closed"),
        (RecordRejected(" ", code="closed"), "closed"),
    ],
)
def test_a_refusal_is_known_by_its_code_and_its_words(error, subject):
    assert refusal_of(error) == subject


def test_a_text_of_any_length_becomes_a_short_subject():
    assert len(normalised("word " * 1000)) <= 200
