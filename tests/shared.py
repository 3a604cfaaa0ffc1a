"""What all tests share: how long they wait, and where the recorded exchanges and vendors' samples lie.

These lie in `../shared`, beside the repository, never inside it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
SHARED = REPOSITORY.parent / "shared"
#: How long a test waits for what has to come. Nothing that works takes so long, on however slow a machine.
PATIENCE_S: Final = 60.0
_LOOK_S: Final = 0.02
#: `make thorough`: nothing is left out where one case stands for several, whatever that takes.
THOROUGH: Final = os.environ.get("THOROUGH") == "1"
_T = TypeVar("_T")


def wait_until(look: Callable[[], _T], explain: Callable[[], str] = lambda: "it never came") -> _T:
    """What `look` answers, as soon as that is something; the test fails with `explain()` where it stays nothing."""
    until = time.monotonic() + PATIENCE_S
    while not (found := look()):
        assert time.monotonic() < until, explain()
        time.sleep(_LOOK_S)
    return found


def in_ci() -> bool:
    """Whether what is missing must fail the run instead of skipping a test."""
    return os.environ.get("CI") == "true"


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
