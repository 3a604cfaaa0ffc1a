"""What a channel says of the time after the import."""

from __future__ import annotations

import pytest

from config.loader import load_config
from config.model import DEFAULT_OWNERS, DEFAULT_STATE_BACK, SALE_STATES, AfterImport, Depth, Owner
from config.problems import ConfigError
from mappings.canonical.facets import SaleState
from tests.config.folder import CHANNEL, ENVIRON, load, problems


def test_the_words_for_sales_are_those_of_the_canonical_records():
    assert set(SALE_STATES) == {state.value for state in SaleState}
    assert set(DEFAULT_STATE_BACK) <= set(SALE_STATES)


def test_a_silent_channel_has_the_defaults(tmp_path):
    assert load(tmp_path, c=CHANNEL).channels["main"].after_import == AfterImport()


def test_owners_and_states_are_laid_over_the_defaults(tmp_path):
    said = "    after_import: {owners: {note: shop}, state_back: {shipped: leave, cancelled: cancelled}}\n"
    after = load(tmp_path, c=CHANNEL + said).channels["main"].after_import
    assert after.owners == {**DEFAULT_OWNERS, "note": Owner.SHOP}
    assert after.state_back == {"done": "completed", "cancelled": "cancelled"}


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
