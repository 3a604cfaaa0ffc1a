"""What the operating system has to be asked for directly."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1


def _libc_prctl() -> Callable[..., int] | None:
    """The C library's `prctl`, looked up before any fork: looking it up takes locks that a child may find taken."""
    if not sys.platform.startswith("linux"):
        return None
    prctl: Callable[..., int] = ctypes.CDLL(None, use_errno=True).prctl
    return prctl


_prctl = _libc_prctl()


def die_with_parent(parent_pid: int, signum: signal.Signals) -> None:
    """Have the kernel send this process `signum` when its parent ends, however it ends; called in the child.

    `parent_pid` is the parent as seen before the fork. Only Linux can do this; elsewhere a child outlives a parent
    that was killed until it notices by itself. The kernel goes by the *thread* that forked: it must be one that lives
    as long as the process.
    """
    if _prctl is not None:
        _prctl(_PR_SET_PDEATHSIG, int(signum))
        # The parent may have died between the fork and this line; then no signal comes any more.
        if os.getppid() != parent_pid:
            os.kill(os.getpid(), signum)
