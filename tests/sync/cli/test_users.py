"""`crossdock user ...` as people type it."""

from __future__ import annotations

import io
import logging

import pytest

from config.settings import Settings
from sync import cli
from sync.desk import accounts
from sync.store.engine import Store
from sync.store.migrate import migrate

PASSWORD = "correct horse battery"


@pytest.fixture
def store(tmp_path, monkeypatch):
    """The database of an installation that has no configuration yet."""
    monkeypatch.setenv("CROSSDOCK_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("CROSSDOCK_CONFIG", str(tmp_path / "none"))
    monkeypatch.setenv("CROSSDOCK_LOG_LEVEL", "error")
    store = Store.open(Settings.from_env().database_url.reveal())
    migrate(store)
    yield store
    store.close()


@pytest.fixture
def crossdock(store, monkeypatch, capsys):
    def run(*words, typed="", status=0):
        monkeypatch.setattr("sys.argv", ["crossdock", "user", *words])
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        with pytest.raises(SystemExit) as stop:
            cli.main()
        logging.captureWarnings(capture=False)
        said = capsys.readouterr()
        assert (stop.value.code or 0) == status, said.err
        return said

    return run


def fits(store, login, password):
    return accounts.sign_in(store, login, password, address="x", agent="y") is not None


def test_a_user_is_added_with_a_password_from_stdin(crossdock, store):
    crossdock("add", "Ada", "--role", "admin", typed=f"{PASSWORD}\n")
    assert fits(store, "ada", PASSWORD)


def test_a_made_password_is_all_that_stdout_has(crossdock, store):
    said = crossdock("add", "ada", "--role", "admin", "--generate")
    assert fits(store, "ada", said.out.strip())
    said = crossdock("password", "ada", "--generate")
    assert fits(store, "ada", said.out.strip())


def test_a_password_on_the_command_line_is_not_possible(crossdock):
    assert "No such option" in crossdock("add", "ada", "--role", "admin", "--password", PASSWORD, status=2).err


def test_refusals_are_plain_words_and_status_1(crossdock, store):
    assert "12 characters or more" in crossdock("add", "ada", "--role", "admin", typed="short\n", status=1).err
    assert "There is no user 'ada'" in crossdock("role", "ada", "viewer", status=1).err
    assert "is not one of" in crossdock("role", "ada", "root", status=2).err
    assert accounts.list_users(store) == []


def test_roles_disabling_and_sessions(crossdock, store):
    crossdock("add", "ada", "--role", "admin", typed=PASSWORD)
    crossdock("add", "eve", "--role", "viewer", typed=PASSWORD)
    crossdock("role", "eve", "operator")
    assert accounts.find_user(store, "eve").role == "operator"
    accounts.sign_in(store, "eve", PASSWORD, address="192.0.2.1", agent="[red]Browser")
    assert "192.0.2.1" in (shown := crossdock("sessions", "eve").out)
    assert "[red]Browser" in shown
    assert "1 sessions ended" in crossdock("sessions", "eve", "--end").out
    crossdock("disable", "eve")
    assert not fits(store, "eve", PASSWORD)
    assert "no" in crossdock("list").out
    crossdock("disable", "eve", "--undo")
    assert fits(store, "eve", PASSWORD)
    assert "only admin" in crossdock("disable", "ada", status=1).err


def test_without_a_database_it_says_what_to_do(crossdock, monkeypatch, tmp_path):
    monkeypatch.setenv("CROSSDOCK_STATE", str(tmp_path / "empty"))
    assert "crossdock init" in crossdock("add", "ada", "--role", "admin", typed=PASSWORD, status=1).err
