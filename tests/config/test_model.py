"""The defaults of the policies are complete and speak the words of the canonical records."""

from __future__ import annotations

import itertools

import pytest

from config.model import DEFAULT_RULES, DEFAULT_STATUS, ORDER_STATES, PAYMENT_STATES, VERIFY_RULES, Config, Policies
from mappings.canonical.records import OrderState, PaymentState


def test_the_words_of_status_keys_are_those_of_the_canonical_records():
    assert set(ORDER_STATES) == {state.value for state in OrderState}
    assert set(PAYMENT_STATES) == {state.value for state in PaymentState}


def test_every_state_has_an_answer_by_default():
    for state, payment in itertools.product(ORDER_STATES, PAYMENT_STATES):
        Policies().status_action(state, payment)


@pytest.mark.parametrize(
    ("state", "payment", "action", "key"),
    [
        ("pending", "unpaid", "wait", "*/unpaid"),
        ("on_hold", "unpaid", "wait", "*/unpaid"),
        ("on_hold", "paid", "import", "*/paid"),
        ("on_hold", "authorized", "import", "*/authorized"),
        ("processing", "paid", "import", "*/paid"),
        ("processing", "authorized", "import", "*/authorized"),
        ("processing", "unpaid", "import", "processing/unpaid"),
        ("processing", "partially_refunded", "import", "*/partially_refunded"),
        ("processing", "refunded", "skip", "processing/refunded"),
        ("completed", "paid", "import", "*/paid"),
        ("draft", "paid", "skip", "draft"),
        ("failed", "unpaid", "skip", "failed"),
        ("cancelled", "paid", "skip", "cancelled"),
        ("refunded", "refunded", "skip", "refunded"),
        ("trashed", "paid", "skip", "trashed"),
        ("deleted", "paid", "skip", "deleted"),
    ],
)
def test_what_happens_to_an_order_by_default(state, payment, action, key):
    assert Policies().status_action(state, payment) == (action, key)


def test_no_order_whose_money_went_back_is_imported_by_default():
    actions = {Policies().status_action(state, "refunded")[0] for state in ORDER_STATES}

    assert actions == {"skip"}


def test_policies_without_words_of_their_own_have_the_defaults():
    assert Policies().status == DEFAULT_STATUS
    assert Policies().rules == DEFAULT_RULES
    assert tuple(DEFAULT_RULES) == VERIFY_RULES


def test_a_place_that_is_not_known_is_that_of_the_section_around_it(tmp_path):
    places = {"connections": "a.yaml:1", "connections.shop": "a.yaml:2", "connections.shop.webhook_secrets": "a.yaml:5"}
    config = Config(folder=tmp_path, connections={}, channels={}, places=places)

    assert config.where("connections.shop.webhook_secrets[3]") == "a.yaml:5"
    assert config.where("connections.shop.settle_s") == "a.yaml:2"
    assert config.where("connections.other.url") == "a.yaml:1"
    assert config.where("channels.shop") == str(tmp_path)
    assert config.where("") == str(tmp_path)
