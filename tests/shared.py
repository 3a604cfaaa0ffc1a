"""What all tests share: how long they wait, and where the recorded exchanges and vendors' samples lie.

These lie in `../shared`, beside the repository, never inside it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import pytest

from connectors.sandbox.patience import PATIENCE_S, wait_until

__all__ = [
    "PATIENCE_S",
    "REPOSITORY",
    "SHARED",
    "THOROUGH",
    "in_ci",
    "run_folder",
    "shared_path",
    "unavailable",
    "wait_until",
]

REPOSITORY = Path(__file__).resolve().parent.parent
SHARED = REPOSITORY.parent / "shared"
#: `make thorough`: nothing is left out where one case stands for several, whatever that takes.
THOROUGH: Final = os.environ.get("THOROUGH") == "1"


def in_ci() -> bool:
    """Whether what is missing must fail the run instead of skipping a test."""
    return os.environ.get("CI") == "true"


def run_folder(factory: pytest.TempPathFactory) -> Path:
    """A folder of this run of the tests, the same in each of its workers."""
    base = factory.getbasetemp()
    # A worker's folder lies in that of the whole run.
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


def unavailable(reason: str) -> None:
    """Skip the test, or the module while it is collected, for this reason; in CI fail instead."""
    if in_ci():
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason, allow_module_level=True)


def shared_path(relative: str) -> Path:
    """The file or folder of this name under `../shared`."""
    path = SHARED / relative
    if not path.exists():
        unavailable(f"{path} is not there; the recorded material is needed for this test")
    return path
