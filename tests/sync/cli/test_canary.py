"""Where a person hears that a channel's first orders wait: at `crossdock init`."""

from __future__ import annotations

import pytest

from sync import cli
from tests.config.folder import CHANNEL


@pytest.fixture
def init(tmp_path, monkeypatch, capsys):
    folder = tmp_path / "config"
    folder.mkdir()
    monkeypatch.setenv("CROSSDOCK_CONFIG", str(folder))
    monkeypatch.setenv("CROSSDOCK_STATE", str(tmp_path / "state"))

    def run(more=""):
        (folder / "a.yaml").write_text(CHANNEL + more)
        monkeypatch.setattr("sys.argv", ["crossdock", "init"])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert not ended.value.code
        shown = capsys.readouterr()
        return " ".join((shown.out + shown.err).split())

    return run


def test_a_channel_that_goes_live_or_changes_says_how_many_wait(init):
    assert init().startswith("main: its first 5 orders wait for a person's release")
    assert "main: its first 5 orders wait" in init("    timezone: Europe/Berlin\n")
    assert init("    canary: 0\n") == "database ready; 2 connections, 1 channels configured"
