"""Which tests stay together in one worker, and that they really do."""

from __future__ import annotations

import re

import pytest

from tests.conftest import TOGETHER
from tests.shared import REPOSITORY

pytest_plugins = ["pytester"]


@pytest.mark.parametrize("place", TOGETHER)
def test_each_place_of_the_table_is_there(place):
    assert (REPOSITORY / place).exists()


def test_what_shares_a_server_runs_in_one_worker(pytester, monkeypatch):
    """With real workers, because a group that xdist does not see is no error and costs a server start in each."""
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    monkeypatch.delenv("PYTEST_XDIST_WORKER_COUNT", raising=False)
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    pytester.makeconftest("from tests.conftest import pytest_xdist_make_scheduler\n")
    many = "@pytest.mark.heavy\n@pytest.mark.parametrize('n', range(4))\ndef test_it(n): time.sleep(0.05)\n"
    for place in ("tests/real/test_a.py", "tests/real/test_b.py"):
        file = pytester.path / place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"import time, pytest\n{many}")
    ran = pytester.runpytest_subprocess(
        "-v", "-n", "2", "--dist", "loadgroup", "-p", "no:randomly", "--import-mode=importlib"
    )
    ran.assert_outcomes(passed=8)
    workers = set(re.findall(r"\[(gw\d)\].*PASSED tests/real/", ran.stdout.str()))
    assert len(workers) == 1
