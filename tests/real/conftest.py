"""Real systems, started once for all tests that ask for them."""

from __future__ import annotations

import sys

import pytest

from connectors.sandbox.tryton import running_tryton


@pytest.fixture(scope="session")
def erp(tmp_path_factory):
    """A Tryton on SQLite with the sandbox catalogue; tests keep apart by keys of their own."""
    with running_tryton(tmp_path_factory.mktemp("tryton")) as running:
        yield running


@pytest.fixture
def measured(capsys):
    """Says a figure to whoever runs the tests."""

    def say(text):
        with capsys.disabled():
            sys.stdout.write(f"\n  measured: {text}\n")

    return say
