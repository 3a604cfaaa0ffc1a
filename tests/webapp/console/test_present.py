"""How values look."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
import time_machine
from flask_babel import force_locale

from sync.store.states import ItemState
from webapp.console import present
from webapp.console.icons import icon

SPACE = "\N{NO-BREAK SPACE}"


@pytest.fixture(autouse=True)
def request_of_somebody(app):
    with app.test_request_context("/orders?state=held&state=parked&q=a%26b&page=2"):
        yield


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        (Decimal(4210), "EUR", "4,210.00 EUR"),
        (Decimal("4210.5"), "EUR", "4,210.50 EUR"),
        (Decimal("3.36"), "JPY", "3.36 JPY"),
        (Decimal(3), "JPY", "3 JPY"),
        (Decimal("-0.005"), "EUR", "-0.005 EUR"),
        (Decimal("12345678901234567890.12"), "EUR", "12,345,678,901,234,567,890.12 EUR"),
        ("19.90", "EUR", "19.90 EUR"),
        (Decimal("1E+2"), "EUR", "100.00 EUR"),
        (Decimal(1), "", "1"),
    ],
)
def test_money_has_every_digit_and_its_currency(amount, currency, shown):
    assert present.money(amount, currency) == shown.replace(" ", SPACE)


def test_nothing_is_a_dash_everywhere():
    assert {
        present.money(None, "EUR"),
        present.ago(None),
        present.at(None),
        present.number(None),
        present.duration(None),
    } == {present.NOTHING}


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0 ms"), (0.0123, "12 ms"), (4.24, "4.2 s"), (59.4, "59 s"), (60, "1 min"), (185, "3 min 5 s"),
        (7800, "2 h 10 min"), (7201, "2 h"), (273600, "3 d 4 h"), (dt.timedelta(minutes=2), "2 min"),
    ],
)  # fmt: skip
def test_a_duration_has_two_units(seconds, shown):
    assert present.duration(seconds).replace(SPACE, " ") == shown


def test_a_time_is_relative_with_the_exact_one_beside():
    moment = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=5, seconds=3)
    shown = present.ago(moment)
    assert "5 minutes ago" in shown
    assert f'datetime="{moment.isoformat().replace("+00:00", "Z")}"' in shown
    assert f'title="{moment:%-d %b %Y, %H:%M:%S} UTC"' in shown
    assert "in 2 hours" in present.ago(dt.datetime.now(dt.UTC) + dt.timedelta(hours=2, minutes=1))
    assert f"{moment:%H:%M:%S} UTC</time>" in present.at(moment)


@pytest.mark.parametrize(
    ("language", "figures", "exact", "past"),
    [
        ("en", ["4,210.50 EUR", "12,345.5", "12.3 MB", "4.2 s"], "7 Nov 2026, 16:05:09 UTC", "2 weeks ago"),
        ("zh_Hans_CN", ["4,210.50 EUR", "12,345.5", "12.3 MB", "4.2 s"], "2026年11月7日 16:05:09 UTC", "2周前"),
        ("de", ["4.210,50 EUR", "12.345,5", "12,3 MB", "4,2 s"], "07.11.2026, 16:05:09 UTC", "vor 2 Wochen"),
    ],
)
def test_values_are_written_as_the_readers_language_has_them(language, figures, exact, past):
    moment = dt.datetime(2026, 11, 7, 16, 5, 9, tzinfo=dt.UTC)
    with force_locale(language), time_machine.travel(moment + dt.timedelta(days=16), tick=False):
        told = (present.money("4210.50", "EUR"), present.number(12345.5), present.size(12_300_000))
        assert [each.replace(SPACE, " ") for each in (*told, present.duration(4.24))] == figures
        assert f">{exact}</time>" in present.at(moment)
        assert f'title="{past}"' in present.at(moment)


def test_every_state_of_an_item_has_an_icon_and_a_text():
    for state in ItemState:
        shown = present.state_badge(state)
        assert "<svg" in shown
        assert str(present._STATES[state][2]) in shown


def test_a_state_that_nobody_has_named_shows_its_word_and_stays_inert():
    assert "&lt;b&gt;" in present.state_badge("<b>")


def test_an_icon_that_does_not_exist_is_a_mistake():
    with pytest.raises(KeyError):
        icon("unicorn")


def test_an_address_keeps_its_filters_and_changes_what_is_asked():
    assert present.here(page=3) == "/orders?state=held&state=parked&q=a%26b&page=3"
    assert present.here(page=None, state="done") == "/orders?q=a%26b&state=done"
    assert present.here("/orders.csv", page=None, state=None, q=None) == "/orders.csv"
