"""What a channel says of the time after the import."""

from __future__ import annotations

import pytest

from config.loader import load_config
from config.model import DEFAULT_OWNERS, SALE_STATES, AfterImport, Depth, Owner
from config.problems import ConfigError
from mappings.canonical.facets import SaleState
from sync.rules.state_words import state_words
from tests.config.folder import CHANNEL, ENVIRON, load, problems


def test_the_words_for_sales_are_those_of_the_canonical_records():
    assert set(SALE_STATES) == {state.value for state in SaleState}


def test_a_silent_channel_has_the_defaults(tmp_path):
    assert load(tmp_path, c=CHANNEL).channels["main"].after_import == AfterImport()


def test_owners_and_states_are_laid_over_the_defaults(tmp_path):
    said = "    after_import: {owners: {note: shop}, state_back: {shipped: leave, cancelled: cancelled}}\n"
    after = load(tmp_path, c=CHANNEL + said).channels["main"].after_import
    assert after.owners == {**DEFAULT_OWNERS, "note": Owner.SHOP}
    assert after.state_back == {"cancelled": "cancelled"}
    after = load_config(tmp_path, ENVIRON, state_words=state_words).channels["main"].after_import
    assert after.state_back == {"done": "completed", "cancelled": "cancelled"}


def _channel_of(system, back):
    return CHANNEL.replace("woocommerce", system) + f"    after_import: {{state_back: {back}}}\n"


SALES_ORDERS = "Created, Approved, Delivered, Cancelled"


@pytest.mark.parametrize(
    ("source", "said", "expected", "step"),
    [
        ("woocommerce", "complete", "one of leave, auto-draft", "did you mean 'completed'?; name a state"),
        ("shopify", "completed", "one of leave, closed, cancelled", "Shopify knows by its fulfilments"),
        ("vendure", "cancelled", "one of leave, Created", "did you mean 'Cancelled'?"),
        ("zoho_crm", "completed", f"one of leave, {SALES_ORDERS}", "own_states"),
        ("zoho_crm, options: {orders_from: deals}", "Delivered", "one of leave, Qualification", "own_states"),
        ("fxiaoke", "done", "expected leave", "option `state_field`"),
        ("csv", "completed", "expected leave", "its orders are shown no state"),
    ],
)
def test_a_word_that_the_source_does_not_have_is_refused_with_those_that_it_has(tmp_path, source, said, expected, step):
    load(tmp_path, c=_channel_of(source, f"{{shipped: {said}, done: leave}}"))
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path, ENVIRON, state_words=state_words)
    [problem] = caught.value.problems
    told = str(problem)
    assert f"channels.main.after_import.state_back.shipped: found '{said}'" in told
    assert expected in told
    assert step in told


def test_a_state_of_the_shops_own_is_taken_once_it_is_named(tmp_path):
    said = _channel_of("woocommerce", "{shipped: handed-over}, own_states: [handed-over]")
    assert load(tmp_path, c=said)
    after = load_config(tmp_path, ENVIRON, state_words=state_words).channels["main"].after_import
    assert after.state_back == {"shipped": "handed-over", "done": "completed"}


def test_a_shop_that_has_no_states_of_its_own_takes_none(tmp_path):
    load(tmp_path, c=_channel_of("shopify", "{shipped: sent}, own_states: [sent]"))
    with pytest.raises(ConfigError, match=r"state_back.shipped: found 'sent', expected one of leave, closed"):
        load_config(tmp_path, ENVIRON, state_words=state_words)


@pytest.mark.parametrize(
    ("system", "options", "default"),
    [
        ("woocommerce", {}, {"shipped": "completed", "done": "completed"}),
        ("shopify", {}, {}),
        ("vendure", {}, {}),
        ("zoho_crm", {}, {"shipped": "Delivered", "done": "Delivered"}),
        ("zoho_crm", {"orders_from": "quotes"}, {}),
        ("fxiaoke", {}, {}),
        ("fxiaoke", {"state_field": "x__c"}, {"partly_shipped": "部分发货", "shipped": "已发货", "done": "已完成"}),
        ("json", {}, {}),
    ],
)
def test_a_silent_channel_says_what_its_source_understands(system, options, default):
    words = state_words(system, options)
    assert words.default == default
    assert words.known is None or set(default.values()) <= set(words.known)


def test_unknown_fields_and_states_are_named(tmp_path):
    said = "    after_import: {owners: {price: shop}, state_back: {sent: completed}, refunds: post}\n"
    told = problems(tmp_path, c=CHANNEL + said)
    assert [line.split(": ")[1] for line in told] == [
        "channels.main.after_import.owners.price",
        "channels.main.after_import.state_back.sent",
        "channels.main.after_import.refunds",
    ]


def test_payments_are_left_as_drafts_only_where_the_erp_can(tmp_path):
    said = "    after_import: {payments: draft}\n"
    load(tmp_path, c=CHANNEL + said)
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path, ENVIRON, drafts_payments=lambda _: False)
    [problem] = caught.value.problems
    told = str(problem)
    assert "channels.main.after_import.payments" in told
    assert "none or posted" in told
    assert "books a payment at once" in told


FEES = "    after_import: {fees: posted}\n"


@pytest.mark.parametrize(
    "policies",
    [
        "    policies: {target: {fee_account: 6855}}\n",
        "    policies: shared\n",
        "    policies: {extends: shared, target: {warehouse: WH}}\n",
    ],
)
def test_fees_are_booked_on_the_account_that_the_policies_or_those_that_they_extend_name(tmp_path, policies):
    shared = "policies:\n  shared: {target: {fee_account: 6855}}\n"
    channel = load(tmp_path, c=CHANNEL + FEES + policies, d=shared).channels["main"]
    assert (channel.after_import.fees, channel.policies.target["fee_account"]) == (Depth.POSTED, "6855")


@pytest.mark.parametrize("policies", ["", "    policies: {target: {warehouse: WH}}\n"])
def test_fees_without_an_account_are_refused(tmp_path, policies):
    [told] = problems(tmp_path, c=CHANNEL + FEES + policies)
    assert "channels.main.after_import.fees" in told
    assert "fee_account" in told


def test_fees_are_refused_for_an_erp_that_books_none(tmp_path):
    load(tmp_path, c=CHANNEL + FEES + "    policies: {target: {fee_account: 6855}}\n")
    with pytest.raises(ConfigError, match="books no fees of ours"):
        load_config(tmp_path, ENVIRON, books_fees=lambda _: False)
