"""Silence that means something, and all of it that means nothing."""

from __future__ import annotations

import itertools
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.rules.volume import LEAST_WEEKS, ODDS, SCALES, Verdict, Volume, Window, at_least, at_most, judge

WEEKS = 6


def shop(per_hour, *, silent_h=0, factor_now=1.0, weeks=WEEKS):
    """Windows of a shop that sells evenly; nothing in the last `silent_h` hours, `factor_now` times as much before."""

    def window(hours):
        now = max(0, hours - silent_h) * per_hour * factor_now
        return Window(hours, round(now), [round(hours * per_hour)] * weeks)

    return [window(hours) for hours in SCALES]


def verdict(windows, factor=4.0):
    return judge(windows, factor).verdict


@pytest.mark.parametrize(
    ("per_hour", "silent_h", "found"),
    [
        (400, 0, Verdict.USUAL),
        (400, 1, Verdict.FEWER),
        (20, 1, Verdict.FEWER),
        # An hour without an order is nothing here, two of them are.
        (8, 1, Verdict.USUAL),
        (8, 2, Verdict.FEWER),
        (1, 12, Verdict.USUAL),
        (1, 24, Verdict.FEWER),
        # Two a week: nobody can tell.
        (2 / 168, 168, Verdict.FEW),
        (0, 168, Verdict.FEW),
    ],
)
def test_silence_is_told_when_it_means_something(per_hour, silent_h, found):
    assert verdict(shop(per_hour, silent_h=silent_h)) is found


def test_the_figures_say_how_long_what_was_usual_and_what_there_was():
    assert judge(shop(20, silent_h=1), 4.0) == Volume(Verdict.FEWER, 1, 20, 0)


def test_a_trickle_is_told_by_a_longer_time():
    windows = shop(20, factor_now=0.15)
    assert verdict(windows[:1]) is Verdict.USUAL
    assert verdict(windows) is Verdict.FEWER


def test_it_is_over_soon_after_the_shop_sells_again():
    """The last hours are as they should be; the day is not yet."""
    windows = [Window(1, 20, [20] * 6), Window(2, 20, [40] * 6), Window(4, 20, [80] * 6), Window(8, 20, [160] * 6)]
    assert verdict(windows) is Verdict.USUAL


def test_far_more_than_in_any_week_is_told_too():
    assert verdict(shop(20, factor_now=3)) is Verdict.USUAL
    assert verdict(shop(20, factor_now=5)) is Verdict.MORE
    # One week had a campaign: another one is nothing that nobody has seen.
    campaign = [Window(1, 100, [20, 20, 20, 20, 20, 95])]
    assert verdict(campaign) is Verdict.USUAL


def test_a_new_channel_learns_first():
    assert judge(shop(100, silent_h=168, weeks=LEAST_WEEKS - 1), 4.0) == Volume(Verdict.LEARNING)
    assert verdict([]) is Verdict.FEW


def test_a_week_in_which_nothing_came_does_not_make_silence_usual():
    assert verdict([Window(1, 0, [20, 20, 0, 20, 20, 20])]) is Verdict.FEWER
    # Of as few as four weeks each counts.
    assert verdict([Window(1, 0, [20, 20, 0, 20])]) is Verdict.FEW


def test_a_shop_that_closes_at_night_is_not_silent_then():
    assert verdict([Window(1, 0, [0] * 6), Window(2, 0, [1, 0, 2, 0, 1, 0]), Window(4, 3, [30] * 6)]) is Verdict.FEWER
    assert verdict([Window(1, 0, [0] * 6), Window(2, 0, [1, 0, 2, 0, 1, 0]), Window(4, 28, [30] * 6)]) is Verdict.USUAL


def test_no_more_weeks_are_counted_than_it_takes():
    def counted():
        yield Window(1, 20, [20] * 6)
        for hours in (2, 4, 8):
            yield Window(hours, 20 * hours, [20 * hours] * 6)
        yield Window(24, 1, [24 * 20] * 6)
        raise AssertionError("a day says nothing more of such a shop")

    assert verdict(counted()) is Verdict.USUAL


counts = st.lists(st.integers(0, 500), min_size=LEAST_WEEKS, max_size=12)


@given(st.lists(st.tuples(st.integers(0, 500), counts), max_size=len(SCALES)), st.floats(2, 50))
def test_whatever_the_counts_it_is_told_only_with_the_odds_and_the_factor_for_it(rows, factor):
    windows = [Window(hours, now, before) for hours, (now, before) in zip(SCALES, rows, strict=False)]
    found = judge(windows, factor)
    said = next((window for window in windows if window.hours == found.hours), None)
    if found.verdict is Verdict.FEWER:
        assert said.now * factor <= said.usual
        assert at_most(said.now, said.weak) <= ODDS
    if found.verdict is Verdict.MORE:
        assert said.now >= said.usual * factor
        assert said.now > max(said.before)
    if found.verdict is Verdict.FEW:
        assert not any(window.tells for window in windows)


@given(st.integers(0, 300), counts)
def test_to_sell_more_never_makes_it_too_few(now, before):
    if judge([Window(1, now, before)], 4.0).verdict is not Verdict.FEWER:
        assert judge([Window(1, now + 1, before)], 4.0).verdict is not Verdict.FEWER


@given(st.integers(0, 200), st.floats(0.01, 300))
def test_the_odds_are_those_of_poisson(count, rate):
    below, above = at_most(count, rate), at_least(count + 1, rate)
    assert 0.0 <= below <= 1.0
    if count + 1 > rate:
        assert math.isclose(below + above, 1.0, abs_tol=1e-6)


def test_a_shop_that_sells_at_random_is_left_alone_for_a_year():
    chance = random.Random(7)
    by_hour = [0.2 if hour % 24 < 7 else 9.0 for hour in range(24)]

    def poisson(rate):
        limit, product, drawn = math.exp(-rate), chance.random(), 0
        while product > limit:
            product *= chance.random()
            drawn += 1
        return drawn

    sold = [poisson(by_hour[hour % 24]) for hour in range(24 * 7 * 60)]
    until = list(itertools.accumulate(sold, initial=0))

    def placed(end, hours):
        return until[end] - until[end - hours]

    told = 0
    for now in range(24 * 7 * (WEEKS + 1), len(sold)):
        windows = (
            Window(hours, placed(now, hours), [placed(now - 168 * week, hours) for week in range(1, WEEKS + 1)])
            for hours in SCALES
        )
        told += judge(windows, 4.0).verdict in {Verdict.FEWER, Verdict.MORE}
    assert told == 0
