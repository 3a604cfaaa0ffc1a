"""Texts become numbers, times and addresses strictly: what is not plainly one is refused, never guessed."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import kinds
from config.model import Mode

READ = [
    (kinds.whole(-5, 100), "0", 0),
    (kinds.whole(-5, 100), "-5", -5),
    (kinds.whole(-5, 100), "100", 100),
    (kinds.decimal(0, 1000), "2.50", Decimal("2.50")),
    (kinds.rate(100), "0.5", 0.5),
    (kinds.duration("0", "7d"), "0", 0.0),
    (kinds.duration("0", "7d"), "90", 90.0),
    (kinds.duration("0", "7d"), "90s", 90.0),
    (kinds.duration("0", "7d"), "1.5m", 90.0),
    (kinds.duration("0", "7d"), "6h", 21_600.0),
    (kinds.duration("0", "7d"), "7d", 604_800.0),
    (kinds.word(("a", "b")), "b", "b"),
    (kinds.member(Mode), "hold", Mode.HOLD),
    (kinds.NAME, "shop-1_de", "shop-1_de"),
    (kinds.NAME, "0" * 64, "0" * 64),
    (kinds.CURRENCY, "KWD", "KWD"),
    (kinds.ZONE, "America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires"),
    (kinds.CRON, "30 3 * * *", "30 3 * * *"),
    (kinds.CRON, "*/5 8-18 * * mon-fri", "*/5 8-18 * * mon-fri"),
    (kinds.CRON, "0 0 29 2 *", "0 0 29 2 *"),
    (kinds.MOMENT, "now", None),
    (kinds.MOMENT, "2026-01-31T00:00:00+01:00", dt.datetime(2026, 1, 30, 23, tzinfo=dt.UTC)),
    (kinds.MOMENT, "2026-01-31 00:00Z", dt.datetime(2026, 1, 31, tzinfo=dt.UTC)),
    (kinds.STATUS_KEY, "on_hold", "on_hold"),
    (kinds.STATUS_KEY, "on_hold/paid", "on_hold/paid"),
    (kinds.STATUS_KEY, "*/unpaid", "*/unpaid"),
    (kinds.HOST, "ERP.lan.", "erp.lan"),
    (kinds.HOST, "10.0.0.7", "10.0.0.7"),
    (kinds.HOST, "10.1.0.0/16", "10.1.0.0/16"),
    (kinds.HOST, "fd00::/8", "fd00::/8"),
    (kinds.HOST, "bücher.example", "xn--bcher-kva.example"),
    (kinds.URL, "https://shop.example", "https://shop.example"),
    (kinds.URL, "HTTPS://shop.example/store/", "https://shop.example/store"),
    (kinds.URL, "http://[::1]:8000/a", "http://[::1]:8000/a"),
    (kinds.URL, "https://bücher.example", "https://bücher.example"),
]

REFUSED = [
    (
        kinds.whole(-5, 100),
        ["", "012", "+1", "1.0", "1e2", "1_0", "101", "-6", " 1", "1 ", "1\n", "٣", "0x1", "NaN"],
    ),
    (kinds.decimal(0, 1000), ["1,5", ".5", "5.", "1e3", "inf", "nan", "1000.01", "-0.1", "007", "1" * 40]),
    (kinds.rate(100), ["0", "0.0", "-1", "101", "inf"]),
    (kinds.duration("1s", "1h"), ["0", "61m", "1h30m", "1 h", "1H", "60 ", "-1", "1w", "s", "", "1e2"]),
    (kinds.word(("a", "b")), ["A", "", "c"]),
    (kinds.member(Mode), ["HOLD", "", "true"]),
    (kinds.NAME, ["", "-a", "_a", "A", "a b", "a/b", "a.b", "ä", "a" * 65, "a\n"]),
    (kinds.CURRENCY, ["eur", "EURO", "EU", "€", "EUR\n"]),
    (kinds.ZONE, ["", "europe/berlin", "America", "../../etc/passwd", "UTC+1", "/usr/share/zoneinfo/UTC", "CEST"]),
    (
        kinds.CRON,
        ["", "* * * *", "* * * * * *", "@daily", "60 * * * *", "0 0 30 2 *", "a b c d e", "0 0 * * *\n"],
    ),
    (
        kinds.MOMENT,
        [
            *("", "Now", "2026-01-31", "2026-01-31T00:00:00", "2026-13-01T00:00:00Z", "2026-W05-6T00:00:00Z"),
            *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1769817600", "2026-01-31T00:00:00+25:00"),
        ],
    ),
    (kinds.STATUS_KEY, ["", "*", "on-hold", "paid", "/paid", "on_hold/", "on_hold/payed", "*/*", "on_hold/paid/x"]),
    (
        kinds.HOST,
        ["", "a b", "0.0.0.0/0", "::/0", "10.0.0.1/8", "http://erp", "erp:80", "-a", "a..b", "a/b", "x" * 64],
    ),
    (
        kinds.URL,
        [
            *("", "shop.example", "ftp://shop.example", "https://", "https:///a", "https://u@shop.example"),
            *(
                "https://u:p@shop.example",
                "https://shop.example?a=1",
                "https://shop.example/#a",
                "https://shop.example?",
            ),
            *(
                "https://sh op.example",
                "https://shop.example:99999",
                "https://shop.example:x",
                "https://[::1",
                "//shop",
            ),
            *(
                "https://shop.example\n",
                "https://shop.example\\@evil.example",
                "https://shop.example/\u202egpj",
                "https://a..b",
            ),
        ],
    ),
]


@pytest.mark.parametrize(("kind", "text", "value"), READ)
def test_what_is_plainly_of_its_kind_is_read(kind, text, value):
    read = kind.read(text)

    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in REFUSED for text in texts])
def test_what_is_not_plainly_of_its_kind_is_refused(kind, text):
    with pytest.raises(ValueError):  # noqa: PT011 - the field says what was found and expected
        kind.read(text)


KINDS = list({id(kind): kind for kind, *_ in READ}.values())
LIKELY = st.text("0123456789.-+:/eETZsmhd@[]*,_ \n٣ä%#?\\\x00", max_size=30)


@given(st.sampled_from(KINDS), st.text(max_size=80) | LIKELY | LIKELY.map("https://".__add__))
def test_any_text_is_read_or_refused_with_a_value_error(kind, text):
    try:
        kind.read(text)
    except ValueError:
        assert isinstance(kind.hint(text), str)


@given(st.integers(-(10**6), 10**6))
def test_whole_numbers_survive(number):
    assert kinds.whole(-(10**6), 10**6).read(str(number)) == number


@given(st.decimals(0, 10**9, places=4))
def test_decimals_keep_their_digits(number):
    read = kinds.decimal(0, 10**9).read(f"{number:f}")

    assert read.as_tuple() == number.as_tuple()


OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: dt.timezone(dt.timedelta(minutes=minutes)))


@given(st.integers(31_536_000, 7_200_000_000), OFFSETS)
def test_moments_survive_with_any_offset(timestamp, offset):
    moment = dt.datetime.fromtimestamp(timestamp, offset)

    assert kinds.MOMENT.read(moment.isoformat()) == moment
