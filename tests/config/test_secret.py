"""A secret never shows itself, whoever writes it."""

from __future__ import annotations

import copy
import dataclasses
import io
import json
import logging
import pickle
import traceback

import orjson
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from config.model import Auth, Config, Connection, Secret

HIDDEN = "correct-horse-battery"
SECRET = Secret(HIDDEN)
CONNECTION = Connection(
    name="shop", system="woocommerce", url="https://x", auth=Auth(key=SECRET), webhook_secrets=(SECRET,)
)


@pytest.mark.parametrize(
    "write",
    [
        pytest.param(repr, id="repr"),
        pytest.param(str, id="str"),
        pytest.param("{}".format, id="format"),
        pytest.param("{!r}".format, id="format-r"),
        pytest.param("{!s:>40}".format, id="format-s-width"),
        pytest.param("{:>40}".format, id="format-width"),
        pytest.param(lambda secret: "%s %r" % (secret, secret), id="percent"),  # noqa: UP031 - the way under test
        pytest.param(lambda secret: f"{secret} {secret!r} {secret!s} {secret!a}", id="f-string"),
        pytest.param(lambda secret: str([secret, {"a": secret}, (secret,)]), id="inside containers"),
        pytest.param(lambda secret: str(KeyError(secret)), id="exception"),
        pytest.param(lambda secret: json.dumps({"a": secret}, default=str), id="json with default"),
        pytest.param(lambda secret: orjson.dumps({"a": secret}, default=repr).decode(), id="orjson with default"),
    ],
)
def test_every_way_to_write_a_secret_shows_stars(write):
    written = write(SECRET)

    assert "***" in written
    assert HIDDEN not in written


@pytest.mark.parametrize("dump", [json.dumps, orjson.dumps], ids=["json", "orjson"])
def test_json_refuses_a_secret(dump):
    with pytest.raises(TypeError):
        dump({"key": SECRET})


def test_orjson_refuses_a_dataclass_that_holds_a_secret():
    with pytest.raises(TypeError):
        orjson.dumps(CONNECTION)


def test_a_dataclass_shows_stars_for_its_secrets():
    assert HIDDEN not in repr(CONNECTION)
    assert HIDDEN not in str(dataclasses.asdict(CONNECTION))


def test_loggers_show_stars(caplog):
    with caplog.at_level(logging.INFO):
        logging.getLogger("test").info("key %s %r", SECRET, CONNECTION, extra={"key": SECRET})
    assert HIDDEN not in caplog.text

    line = structlog.processors.JSONRenderer()(None, "info", {"event": "x", "key": SECRET, "connection": CONNECTION})
    assert HIDDEN not in line


def _fail(secret: Secret) -> None:
    local_copy = secret
    raise RuntimeError(f"cannot use {local_copy}")


def test_tracebacks_with_local_variables_show_stars():
    screen = Console(file=io.StringIO(), width=200)
    try:
        _fail(SECRET)
    except RuntimeError as error:
        captured = traceback.TracebackException.from_exception(error, capture_locals=True)
        screen.print_exception(show_locals=True)

    assert "***" in "".join(captured.format())
    assert HIDDEN not in "".join(captured.format())
    assert "local_copy" in screen.file.getvalue()
    assert HIDDEN not in screen.file.getvalue()


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_secret_is_not_pickled(protocol):
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(CONNECTION, protocol)


def test_copies_stay_secrets():
    for copied in (copy.copy(SECRET), copy.deepcopy(SECRET), copy.deepcopy(CONNECTION).auth.key):
        assert isinstance(copied, Secret)
        assert copied.reveal() == HIDDEN


def test_a_secret_has_no_dictionary_and_does_not_change():
    with pytest.raises(TypeError):
        vars(SECRET)
    with pytest.raises(AttributeError):
        SECRET._text = "other"
    with pytest.raises(AttributeError):
        del SECRET._text


@given(st.text(), st.text())
def test_secrets_compare_and_hash_by_their_text(one, other):
    assert (Secret(one) == Secret(other)) is (one == other)
    assert hash(Secret(one)) == hash(Secret(one))
    assert bool(Secret(one)) is bool(one)
    assert Secret(one).reveal() == one
    assert type(Secret(one).reveal()) is str


def test_undecodable_bytes_of_the_environment_compare_too():
    assert Secret("\udcff") == Secret("\udcff")


def test_a_text_never_equals_a_secret():
    assert Secret("a") != "a"
    assert {"a": 1}.get(Secret("a")) is None


def test_a_configuration_lists_its_secrets(tmp_path):
    config = Config(folder=tmp_path, connections={"shop": CONNECTION}, channels={})

    assert list(config.secrets()) == [SECRET, SECRET]
