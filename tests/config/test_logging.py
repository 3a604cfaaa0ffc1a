from __future__ import annotations

import datetime as dt
import io
import json
import logging
import warnings
from decimal import Decimal
from pathlib import Path

import pytest
import structlog

from config.logging import LineWriter, Redactor, configure_logging
from config.model import Secret
from config.settings import Settings


def settings(**variables: str) -> Settings:
    return Settings.from_env({f"CROSSDOCK_{name}": value for name, value in variables.items()})


@pytest.fixture
def stream():
    """What configure_logging writes to."""
    return io.StringIO()


@pytest.fixture
def configure(stream):
    def configure(*, secrets=(), **variables) -> Redactor:
        return configure_logging(settings(**variables), "web", secrets=secrets, stream=stream)

    return configure


def lines(stream: io.StringIO) -> list[dict]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_is_one_line_of_json_with_time_level_and_process(configure, stream):
    configure()
    structlog.get_logger("a").info("drained", channel="shop", orders=12)
    [line] = lines(stream)
    assert dt.datetime.fromisoformat(line.pop("timestamp")).tzinfo is not None
    assert line == {"event": "drained", "level": "info", "process": "web", "channel": "shop", "orders": 12}


def test_the_standard_librarys_loggers_and_warnings_go_the_same_way(configure, stream):
    configure()
    logging.getLogger("some.library").warning("slow answer of %s", "erp", extra={"after_s": 3})
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old name", DeprecationWarning, stacklevel=1)
    first, second = lines(stream)
    assert (first["event"], first["level"], first["after_s"]) == ("slow answer of erp", "warning", 3)
    assert "old name" in second["event"]


def test_what_is_below_the_level_is_not_written(configure, stream):
    configure(LOG_LEVEL="warning")
    structlog.get_logger("a").info("no")
    logging.getLogger("b").info("no")
    structlog.get_logger("a").error("yes")
    assert [line["event"] for line in lines(stream)] == ["yes"]


HOSTILE = 'line\nfeed \x1b[31mred\x1b[0m \x00 \u202ereversed \u2028 \x85 {"json": 1}'


def test_nothing_in_a_value_breaks_the_line_or_reaches_the_terminal(configure, stream):
    configure()
    structlog.get_logger("a").info(HOSTILE, name=HOSTILE, **{HOSTILE: 1})
    text = stream.getvalue()
    assert text.count("\n") == 1
    assert text.rstrip("\n").isprintable()
    assert text.isascii()
    assert lines(stream)[0]["name"] == HOSTILE


def test_the_lines_for_people_are_as_safe(configure, stream):
    configure(LOG_FORMAT="console")
    structlog.get_logger("a").info("held", reason=HOSTILE)
    text = stream.getvalue()
    assert text.count("\n") == 1
    assert text.rstrip("\n").isprintable()
    assert "held  reason=line\\nfeed" in text


CANARY = "canary-5f1c-secret"


@pytest.mark.parametrize(
    "fields",
    [
        {"password": CANARY},
        {"consumer_secret": CANARY},
        {"access_token": CANARY},
        {"headers": {"Authorization": CANARY, "X-Api-Key": CANARY, "Set-Cookie": CANARY}},
        {"rows": [{"api_key": CANARY}]},
        {"auth": Secret(CANARY)},
        {"auths": (Secret(CANARY), {"deep": Secret(CANARY)})},
        {"url": f"https://user:{CANARY}@shop.example/x"},
        {"url": f"redis://:{CANARY}@queue:6379/0"},
        {"url": f"https://shop.example/x?consumer_key=ck_1&consumer_secret={CANARY}&page=2"},
        {"url": f"https://shop.example/x?oauth_signature={CANARY}"},
        {"text": f"sent Authorization: Bearer {CANARY}, then waited"},
        {"text": f"Basic {CANARY}"},
        {"body": CANARY.encode()},
        {"error": ValueError(f"https://a:{CANARY}@b/")},
    ],
    ids=str,
)
def test_what_looks_secret_is_never_written(configure, stream, fields):
    configure()
    structlog.get_logger("a").warning("call", **fields)
    assert CANARY not in stream.getvalue()
    assert lines(stream)[0]["event"] == "call"


def test_what_is_known_to_be_secret_is_taken_out_of_every_text(configure, stream):
    configure(secrets=[Secret(CANARY)])
    structlog.get_logger("a").info(f"event {CANARY}", note=f"x{CANARY}y", rows=[{"k": [CANARY]}], **{f"n{CANARY}": 1})
    logging.getLogger("b").info("library %s", CANARY)
    assert CANARY not in stream.getvalue()
    assert lines(stream)[0]["note"] == "x***y"


def test_secrets_can_be_added_when_the_configuration_has_been_read(configure, stream):
    redactor = configure()
    redactor.add([Secret(CANARY)])
    structlog.get_logger("a").info("text", note=CANARY)
    assert CANARY not in stream.getvalue()


def test_the_passwords_of_the_settings_are_known_as_written_and_as_meant(configure, stream):
    configure(DATABASE="postgresql://u:p%40ss-word-1@db/x", REDIS="redis://:queue-pass-2@q:6379/0")
    structlog.get_logger("a").info("failed", text="login with p@ss-word-1 and p%40ss-word-1 and queue-pass-2")
    assert "ss-word-1" not in stream.getvalue()
    assert "queue-pass-2" not in stream.getvalue()


def test_a_secret_that_begins_with_another_leaves_nothing_behind():
    redactor = Redactor(["abcdef", "abcdef-and-more"])
    assert redactor.text("x abcdef-and-more y abcdef") == "x *** y ***"


def test_a_very_short_secret_does_not_take_words_out_of_the_log():
    assert Redactor(["a", ""]).text("a plain text") == "a plain text"


def test_a_traceback_shows_no_variables_and_no_secrets(configure, stream):
    configure(secrets=[CANARY])

    def fails():
        hidden = "local-variable-content"
        raise ValueError(f"refused {CANARY}", len(hidden))

    try:
        fails()
    except ValueError:
        structlog.get_logger("a").exception("parked")
    [line] = lines(stream)
    assert "ValueError: ('refused ***'" in line["exception"]
    assert "local-variable-content'" not in line["exception"].replace('hidden = "local-variable-content"', "")
    assert CANARY not in stream.getvalue()


def test_keys_that_only_sound_like_secrets_are_kept(configure, stream):
    configure()
    structlog.get_logger("a").info(
        "claimed", lease_token="abc123", idempotency_key="shop:1", key="sku", has_secret=True
    )
    [line] = lines(stream)
    assert (line["lease_token"], line["idempotency_key"], line["key"], line["has_secret"]) == (
        "abc123",
        "shop:1",
        "sku",
        True,
    )


def test_values_of_every_kind_are_written_plainly(configure, stream):
    configure()
    structlog.get_logger("a").info(
        "x",
        amount=Decimal("1.20"),
        day=dt.date(2026, 11, 22),
        path=Path("/a/b"),
        none=None,
        nan=float("nan"),
        body=b"12345",
        found={1},
        thing=object,
    )
    [line] = lines(stream)
    assert line["amount"] == "1.20"
    assert line["day"] == "2026-11-22"
    assert line["path"] == "/a/b"
    assert line["none"] is None
    assert line["nan"] == "nan"
    assert line["body"] == "<5 bytes>"
    assert line["found"] == [1]
    assert line["thing"] == "<class 'object'>"


def test_a_value_that_contains_itself_ends():
    loop: dict = {}
    loop["self"] = loop
    assert "..." in json.dumps(Redactor().value(loop))


class Full(io.StringIO):
    def write(self, text):
        raise OSError(28, "No space left on device")


def test_a_full_disk_loses_the_line_and_nothing_else(stream, capsys):
    configure_logging(settings(), "web", stream=Full())
    structlog.get_logger("a").error("lost")
    assert capsys.readouterr() == ("", "")


def test_lines_of_other_processes_are_redacted_too(stream):
    writer = LineWriter(stream, settings(DATABASE="postgresql://u:database-pass@db/x"))
    writer.write("web", b'{"event": "failed", "text": "database-pass"}')
    writer.write("web", b"sqlalchemy.exc.OperationalError: database-pass")
    assert "database-pass" not in stream.getvalue()
    assert [line["process"] for line in lines(stream)] == ["web", "web"]


def test_for_people_the_lines_of_other_processes_have_their_name_before_them(stream):
    writer = LineWriter(stream, settings(LOG_FORMAT="console"))
    writer.write("worker-1", b"12:31:07 info     drained \x1b[31m")
    assert writer.log_format == "console"
    assert stream.getvalue() == "worker-1   | 12:31:07 info     drained \\x1b[31m\n"
