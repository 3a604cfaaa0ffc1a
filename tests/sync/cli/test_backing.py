"""`crossdock backup` and `crossdock restore` as people type them."""

from __future__ import annotations

import logging

import pytest

from config.settings import Settings
from sync import cli
from sync.store.engine import Store
from sync.store.migrate import migrate


@pytest.fixture
def crossdock(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CROSSDOCK_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("CROSSDOCK_CONFIG", str(tmp_path / "none"))
    monkeypatch.setenv("CROSSDOCK_LOG_LEVEL", "error")
    monkeypatch.chdir(tmp_path)
    store = Store.open(Settings.from_env().database_url.reveal())
    migrate(store)
    store.close()

    def run(*words, status=0):
        monkeypatch.setattr("sys.argv", ["crossdock", *words])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        logging.captureWarnings(capture=False)
        said = capsys.readouterr()
        assert (stop.value.code or 0) == status, said.err
        return said

    return run


def test_a_backup_says_what_it_is_and_that_the_key_is_kept_apart(crossdock, tmp_path):
    said = crossdock("backup", "saved")
    assert said.out.startswith("saved: 0 orders, ")
    assert "keep a copy of `secret.key`" in said.err
    assert "0 orders" in crossdock("restore", "saved", "--show").out
    assert (tmp_path / "state" / "secret.key").read_text().strip() not in said.out + said.err


def test_a_backup_goes_over_a_database_only_when_somebody_says_so(crossdock, tmp_path):
    crossdock("backup", "saved")
    assert "`--replace` puts the backup in its place" in crossdock("restore", "saved", status=1).err
    said = crossdock("restore", "saved", "--replace")
    assert "are in place; everybody signs in again" in said.out
    assert f"kept as {tmp_path / 'state'}/crossdock.db.replaced-" in said.out


def test_what_is_no_backup_is_told_plainly(crossdock, tmp_path):
    (tmp_path / "saved").write_text("something else")
    assert "is no whole backup of Crossdock" in crossdock("restore", "saved", "--replace", status=1).err
