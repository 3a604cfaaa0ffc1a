"""A link opens one file until its day, and nothing of it can be changed."""

from __future__ import annotations

import datetime as dt
from urllib.parse import parse_qs, urlsplit

import pytest

from config.model import Secret
from sync.rules.links import FileLinks, LinkState

UNTIL = dt.datetime(2026, 12, 1, tzinfo=dt.UTC)
LINKS = FileLinks("https://hub.test/", Secret("a key"))


def parts(link):
    address = urlsplit(link)
    query = {name: values[0] for name, values in parse_qs(address.query).items()}
    return address.path.rpartition("/")[2], query["until"], query["sig"]


def test_a_link_is_valid_until_it_ends():
    token, until, signature = parts(LINKS.link("tok", UNTIL))
    assert LINKS.judge(token, until, signature, UNTIL - dt.timedelta(seconds=1)) is LinkState.GOOD
    assert LINKS.judge(token, until, signature, UNTIL) is LinkState.ENDED


def test_the_same_file_and_day_give_the_same_link():
    assert LINKS.link("tok", UNTIL) == LINKS.link("tok", UNTIL)


@pytest.mark.parametrize(
    "changed",
    [
        {"token": "other"},
        {"until": "1900000000"},
        {"until": "-1"},
        {"until": "١٩٠٠٠٠٠٠٠٠"},
        {"until": "9" * 400},
        {"signature": ""},
        {"signature": "é\ud800"},
    ],
)
def test_nothing_of_it_can_be_changed(changed):
    token, until, signature = parts(LINKS.link("tok", UNTIL))
    given = {"token": token, "until": until, "signature": signature} | changed
    for now in (UNTIL - dt.timedelta(days=1), UNTIL + dt.timedelta(days=10_000)):
        assert LINKS.judge(**given, now=now) is LinkState.WRONG


def test_another_installation_takes_none_of_ours():
    token, until, signature = parts(LINKS.link("tok", UNTIL))
    other = FileLinks("https://hub.test", Secret("another key"))
    assert other.judge(token, until, signature, UNTIL - dt.timedelta(days=1)) is LinkState.WRONG


def test_nobody_gets_a_link_that_leads_nowhere():
    assert FileLinks("", Secret("a key")).link("tok", UNTIL) == ""
