"""Commands as people type them."""

from __future__ import annotations

import logging

import pytest

from sync import cli


@pytest.fixture
def crossdock(monkeypatch, capsys):
    """Runs `crossdock WORDS`: what it prints, and where it is to end with another status also what it says of that."""

    def run(*words, status=0):
        monkeypatch.setattr("sys.argv", ["crossdock", *map(str, words)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            cli.main()
        logging.captureWarnings(capture=False)
        said = capsys.readouterr()
        assert (stop.value.code or 0) == status, said.err + said.out
        return said.err + said.out if status else said.out

    return run
