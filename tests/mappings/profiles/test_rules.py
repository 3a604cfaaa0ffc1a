"""What rules do over a base mapping: each verb, each step, and what they never do to money."""

from __future__ import annotations

import dataclasses
import datetime as dt
from decimal import Decimal

import pytest

from mappings.base import SourceOptions
from mappings.canonical.errors import Problems, Unmapped
from mappings.canonical.records import OrderState
from mappings.profiles import profiled_source, read_profile
from mappings.profiles.drafts import changed
from mappings.registry import SOURCES
from tests.mappings.profiles.profiles import mapped, over_woocommerce, refusals
from tests.mappings.woocommerce_orders import woo_line, woo_order

BASE = SOURCES["woocommerce"]
META = [{"id": 1, "key": "_vat", "value": " de 123 "}, {"id": 2, "key": "due", "value": "24.12.2026 18:00"}]


def order(**changes):
    return woo_order(**{"line_items": [woo_line(price=10)], "meta_data": META, **changes})


def problems(source, **changes):
    with pytest.raises(Problems) as raised:
        mapped(source, order(**changes))
    return [(problem.path, str(problem.reason)) for problem in raised.value.problems]


def test_nothing_but_what_a_rule_writes_is_changed():
    base = BASE.order(order(), SourceOptions())
    made = mapped("order:\n  - {to: customer.vat_id, copy: \"source.meta_data[?key=='_vat'].value | [0]\"}", order())
    assert made.customer.vat_id == " de 123 "
    assert dataclasses.replace(made, customer=base.customer) == base


def test_a_rule_reads_what_the_rules_before_it_wrote():
    made = mapped(
        """
        order:
          - {to: attributes.vat, copy: "source.meta_data[?key=='_vat'].value | [0]", then: trim}
          - {to: customer.vat_id, set: upper(order.attributes.vat), then: [{replace: {any: blanks, with: ""}}]}
          - {to: note, concatenate: [order.customer.vat_id, order.number], with: "/"}
        """,
        order(),
    )
    assert (made.customer.vat_id, made.note) == ("DE123", "DE123/WC-19")
    assert made.attributes["vat"] == "de 123"


def test_nothing_found_is_nothing_written():
    made = mapped("order:\n  - {to: note, copy: source.no.such.path}", order())
    assert made.note == BASE.order(order(), SourceOptions()).note


def test_a_default_fills_only_what_is_empty():
    source = """
    order:
      - {to: po_number, default: source.number}
      - {to: number, default: "'other'"}
    """
    made = mapped(source, order())
    assert (made.po_number, made.number) == ("WC-19", "WC-19")


def test_a_condition_decides_whether_a_rule_applies():
    source = """
    order:
      - {to: payment_terms, when: order.billing.country == 'DE', constant: 30 days}
      - {to: po_number, when: order.billing.country == 'AT', constant: never}
      - {to: state, when: number(source.total) > `20`, constant: on_hold}
    """
    made = mapped(source, order())
    assert (made.payment_terms, made.po_number, made.state) == ("30 days", "", OrderState.ON_HOLD)


def test_drop_empties_a_field():
    made = mapped("order:\n  - {to: note, drop: yes}\n  - {to: coupons, drop: yes}", order())
    assert (made.note, made.coupons) == ("", ())


def test_lines_addresses_and_charges_have_rules_of_their_own():
    made = mapped(
        """
        lines:
          - {to: sku, set: "replace(this.sku, '-', '')"}
          - {to: attributes.farbe, copy: "item.meta_data[?key=='farbe'].value | [0]"}
        billing:
          - {to: phone, set: digits(this.phone)}
          - {to: company, copy: item.company, then: [unescape, {cut: 6}]}
        shipping_lines:
          - {to: code, concatenate: [item.method_id, order.billing.country], with: "-"}
        """,
        order(),
    )
    assert (made.lines[0].sku, made.lines[0].attributes["farbe"]) == ("SIEBST", "blau")
    assert (made.billing.phone, made.billing.company) == ("49221000111", "Teehau")
    assert made.shipping_lines[0].code.endswith("-DE")


def test_a_look_up_takes_its_row_or_its_otherwise_or_waits_for_one():
    source = "order:\n  - {to: payment_terms, copy: source.payment_method, then: [{lookup: payment_term}]}"
    assert mapped(source, order(), {("payment_term", "stripe"): "prepaid"}).payment_terms == "prepaid"
    with pytest.raises(Problems) as raised:
        mapped(source, order())
    [problem] = raised.value.problems
    assert (problem.cause, problem.subject, problem.path) == ("unmapped", "payment_term:stripe", "payment_method")
    assert str(problem.next_step) == str(Unmapped("payment_term", "stripe").problems[0].next_step)
    other = source.replace("lookup: payment_term", "lookup: {table: payment_term, otherwise: none}")
    assert mapped(other, order()).payment_terms == "none"


@pytest.mark.parametrize(
    ("steps", "given", "made"),
    [
        ("trim", "  a ", "a"),
        ("[{case: title}]", "köln süd", "Köln Süd"),
        ("[{case: lower}]", "ABC", "abc"),
        ("[{replace: {text: '-', with: ''}}]", "a-b-", "ab"),
        ("[{replace: {any: digits, with: '#'}}]", "a1b2", "a#b#"),
        ("[{replace: {any: punctuation, with: ''}}]", "a.b-c d", "abc d"),
        ("[{split: {by: ' - ', take: 1}}]", "one - two", "two"),
        ("[{split: {by: ' - ', take: -1}}]", "one - two - three", "three"),
        ("[{cut: 3}]", "abcdef", "abc"),
        ("unescape", "R&amp;D &copy", "R&D &copy"),
        ("[{choose: {of: {a: b}, otherwise: c}}]", "a", "b"),
        ("[{choose: {of: {a: b}, otherwise: c}}]", "x", "c"),
        ("[{number: {decimal: ',', per: '1000'}}]", "1500,5", "1.5005"),
        ("[{number: {thousands: ' ', times: '2.5'}}]", "1 000", "2500"),
        ("[{amount: {decimal: ',', thousands: .}}]", "1.234,50", "1234.50"),
        ("[{amount: {cents: 2}}]", "1250", "12.50"),
        ("[{amount: {unsigned: yes}}]", "-5.00", "5.00"),
        ("[{day: '%d.%m.%Y'}]", "24.12.2026", "2026-12-24"),
        ("[{date: {format: '%d.%m.%Y %H:%M', zone: Europe/Berlin}}]", "24.12.2026 18:00", "2026-12-24T17:00:00+00:00"),
        ("[{date: {format: '%d.%m.%Y %H:%M', zone: Europe/Berlin}}]", "25.10.2026 02:30", "2026-10-25T00:30:00+00:00"),
        ("[{date: epoch_ms}]", "1766599200500", "2025-12-24T18:00:00.500000+00:00"),
        ("[{date: iso}]", "2026-12-24T18:00:00+01:00", "2026-12-24T17:00:00+00:00"),
        ("[trim, {case: upper}, {cut: 2}]", " abc", "AB"),
    ],
)
def test_each_step_does_what_its_page_says(steps: str, given: str, made: str):
    source = f"order:\n  - {{to: note, copy: source.given, then: {steps}}}"
    assert mapped(source, order(given=given)).note == made


@pytest.mark.parametrize(
    ("steps", "given", "reason"),
    [
        ("[{choose: {of: {a: b}}}]", "x", "found 'x', expected one of a"),
        ("[{flag: {true_for: [J], false_for: [N]}}]", "x", "found 'x', expected one of J, N"),
        ("[{number: {}}]", "1,5", "found '1,5', expected a number such as 12.50"),
        ("[{number: {decimal: ','}}]", "1.5", "found '1.5', expected a number such as 12,50"),
        ("[{amount: {cents: 2}}]", "12.50", "found '12.50', expected a whole number of cents"),
        (
            "[{date: '%d.%m.%Y'}]",
            "24.12.2026",
            "found '24.12.2026', a time without zone: say `zone:` where it was written",
        ),
        (
            "[{date: {format: iso, zone: Europe/Berlin}}]",
            "2026-03-29T02:30:00",
            "found '2026-03-29T02:30:00', which no clock in Europe/Berlin has shown",
        ),
        ("[{day: '%d.%m.%Y'}]", "30.02.2026", "found '30.02.2026', expected a time of the form %d.%m.%Y"),
    ],
)
def test_a_step_that_cannot_says_what_it_found_and_by_which_rule(steps: str, given: str, reason: str):
    source = f"order:\n  - {{to: note, copy: source.given, then: {steps}}}"
    assert problems(source, given=given) == [("given", f"{reason}, for note by the rule at p.yaml:5:7")]


def test_all_that_is_wrong_with_an_order_is_told_at_once():
    source = """
    order:
      - {to: test, copy: source.number}
      - {to: state, copy: source.status, then: [{choose: {of: {a: draft}}}]}
    lines:
      - {to: gift_card, copy: item.name}
    """
    assert [path for path, _ in problems(source)] == ["number", "status", "lines[0].gift_card"]


def test_lists_of_records_are_made_of_elements():
    source = """
    lines:
      - to: discounts
        map:
          each: item.meta_data
          where: item.key == 'farbe'
          rules:
            - {to: code, copy: item.value}
            - {to: amount, copy: parent.subtotal}
    """
    [discount] = mapped(source, order()).lines[0].discounts
    assert (discount.code, discount.amount.amount) == ("blau", Decimal("22.00"))


def test_a_date_of_the_source_can_stand_in_a_field_that_is_a_time():
    made = mapped(
        """
        payments:
          - to: paid_at
            copy: "source.meta_data[?key=='due'].value | [0]"
            then: [{date: {format: "%d.%m.%Y %H:%M", zone: Europe/Berlin}}]
        """,
        order(),
    )
    assert made.payments[0].paid_at == dt.datetime(2026, 12, 24, 17, tzinfo=dt.UTC)


# --- money ------------------------------------------------------------------------------------------------------


def test_an_amount_may_be_copied_and_the_order_is_proven_again():
    charge = {"id": 9, "name": "Fee", "total": "1.00", "total_tax": "0.00", "taxes": []}
    with_fee = order(fee_lines=[charge], total="29.70")
    assert mapped("fees:\n  - {to: total, copy: item.total}", with_fee).totals.grand.amount == Decimal("29.70")
    with pytest.raises(Problems) as raised:
        mapped("fees:\n  - {to: total, constant: '9.00'}", with_fee)
    assert raised.value.problems[0].cause == "totals_mismatch"


def test_a_line_that_is_left_out_holds_the_order_unless_it_was_for_nothing():
    gift = woo_line(id=5, sku="GIFT", subtotal="0.00", total="0.00", total_tax="0.00", taxes=[])
    two = order(line_items=[woo_line(price=10), gift])
    source = "lines:\n  where: this.sku != 'GIFT'\n  rules: []"
    assert [line.sku for line in mapped(source, two).lines] == ["SIEB-ST"]
    with pytest.raises(Problems) as raised:
        mapped(source.replace("GIFT", "SIEB-ST"), two)
    assert raised.value.problems[0].cause == "totals_mismatch"


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("{to: total, set: item.total}", "found `set` for an amount, expected copy or constant"),
        ("{to: total, concatenate: [item.total]}", "found `concatenate` for an amount"),
        ("{to: total, copy: this.attributes.x}", "expected an amount of the source, or an amount field"),
        ("{to: total, copy: this.quantity}", "expected an amount of the source, or an amount field"),
        ("{to: total, default: \"'1.00'\"}", "found `default` for an amount"),
        ("{to: total, copy: item.total, then: [{number: {times: 2}}]}", "found the step number for an amount"),
        ("{to: total, copy: item.total, then: [{lookup: x}]}", "found the step lookup for an amount"),
        ("{to: attributes.x, copy: this.total, then: [{number: {times: 2}}]}", "found a step that changes an amount"),
    ],
)
def test_money_is_carried_and_never_computed(rule: str, expected: str):
    found = refusals(f"profile: p\nextends: woocommerce\nsource:\n  lines:\n    - {rule}")
    assert expected in found[0]
    assert "money is carried, never computed" in found[0]


def test_the_proof_makes_the_sums_and_no_rule_does():
    [told] = refusals("profile: p\nextends: woocommerce\nsource:\n  order:\n    - {to: totals.lines, copy: source.x}")
    assert "made by the proof of totals" in told


# --- identity ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("field", ["external_id", "version", "currency", "placed_at", "source_state"])
def test_what_an_order_is_known_by_is_the_base_mappings(field: str):
    [told] = refusals(f"profile: p\nextends: woocommerce\nsource:\n  order:\n    - {{to: {field}, copy: source.x}}")
    assert "the base mapping decides" in told


def test_the_version_changes_with_what_is_said_and_not_with_how_it_is_laid_out():
    text = "profile: p\nextends: woocommerce\nsource:\n  order:\n    - {to: note, constant: x}\n"
    one = read_profile(text, "a.yaml")
    same = read_profile("# why\nextends: woocommerce\nprofile: p\n" + text.split("woocommerce\n")[1], "b.yaml")
    other = read_profile(text.replace("constant: x", "constant: y"), "a.yaml")
    assert one.digest == same.digest != other.digest
    assert profiled_source(BASE, one).version == f"{BASE.version}+p@{one.digest[:16]}"


def test_a_profile_without_rules_for_the_source_is_its_base():
    profile = over_woocommerce("{}")
    assert profiled_source(BASE, profile) is BASE


def test_a_profile_gets_the_base_that_it_extends_and_no_other():
    with pytest.raises(ValueError, match="extends woocommerce"):
        profiled_source(None, over_woocommerce("{}"))


@pytest.mark.parametrize("name", ["order", "line", "address"])
def test_a_changed_record_is_what_replacing_its_fields_would_make(name: str):
    made = BASE.order(order(), SourceOptions())
    record, values = {
        "order": (made, {"note": "x", "tags": ("a",)}),
        "line": (made.lines[0], {"sku": "x"}),
        "address": (made.billing, {"city": "x", "country": "AT"}),
    }[name]
    assert changed(record, values) == dataclasses.replace(record, **values)

    assert changed(record, {}) == record
