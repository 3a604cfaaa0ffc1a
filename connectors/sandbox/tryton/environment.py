"""The Python environment in which the sandbox's Tryton lives, apart from ours.

Tryton is GPL software. Crossdock never imports it: it is installed by pip from a lock file with hashes into a folder
of its own, started as a process, and spoken to over HTTP like any customer's ERP.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import hashlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

#: Told, in plain words, what is being done; an installation takes half a minute.
Progress = Callable[[str], None]

REQUIREMENTS: Final = Path(__file__).with_name("requirements.txt")


class SandboxError(Exception):
    """The sandbox's Tryton could not be set up; the message says what failed and where its log is."""


@dataclasses.dataclass(frozen=True, slots=True)
class Environment:
    """An installed Tryton. `home` also keeps the database templates, so that a second start is fast."""

    home: Path

    @property
    def venv(self) -> Path:
        """The virtual environment."""
        return self.home / "venv"

    def program(self, name: str) -> Path:
        """A program of the environment, e.g. `trytond`."""
        return self.venv / "bin" / name


def install(home: Path, progress: Progress) -> Environment:
    """The environment in `home`, made or brought to the lock file's versions where it is not there yet.

    Safe to call from several processes at once. Raises SandboxError.
    """
    environment = Environment(home)
    home.mkdir(parents=True, exist_ok=True)
    stamp, wanted = home / "installed", fingerprint()
    with exclusive(home / "install.lock"):
        if stamp.exists() and stamp.read_text() == wanted and environment.program("trytond").exists():
            return environment
        progress(f"installing Tryton into {environment.venv}")
        _make(environment)
        stamp.write_text(wanted)
    return environment


def _make(environment: Environment) -> None:
    log, python = environment.home / "install.log", str(environment.program("python"))
    locked = ["--require-hashes", "--requirement", str(REQUIREMENTS)]
    run([sys.executable, "-m", "venv", "--clear", str(environment.venv)], log)
    uv = Path(sys.executable).with_name("uv")
    if uv.exists():
        # Seconds instead of half a minute, where `make` has brought it; what it cannot reach, pip may.
        with contextlib.suppress(SandboxError):
            run([str(uv), "pip", "install", "--quiet", "--python", python, *locked], log)
            return
    run([python, "-m", "pip", "install", "--disable-pip-version-check", "--quiet", *locked], log)


def fingerprint() -> str:
    """Changes with the locked versions and with the Python that runs them."""
    version = ".".join(map(str, sys.version_info[:2]))
    return hashlib.sha256(REQUIREMENTS.read_bytes() + version.encode()).hexdigest()


@contextlib.contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Only one process at a time; the lock ends with the process, however it ends."""
    with path.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def run(command: list[str], log: Path, env: dict[str, str] | None = None) -> None:
    """Run a program to its end, with its output in `log`. Raises SandboxError when it fails."""
    with log.open("ab") as output:
        done = subprocess.run(  # noqa: S603 -- our own command line
            command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, env=env, check=False
        )
    if done.returncode:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-5:])
        raise SandboxError(f"{Path(command[0]).name} ended with status {done.returncode}; see {log}:\n{tail}")
