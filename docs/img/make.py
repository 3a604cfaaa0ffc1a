# ruff: noqa: INP001 - a script beside its picture, no package
"""Make `proof.svg` anew, from a real run: `python docs/img/make.py`.

A sandbox shop, a sandbox ERP and Crossdock run in a temporary folder until everything is where it belongs; what
`crossdock status` and `crossdock proof` then print is the picture.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.text import Text

from config.settings import Settings

_COLUMNS: Final = 118
_PATIENCE_S: Final = 120.0
_CROSSDOCK: Final = (sys.executable, "-m", "sync.cli")
_SHOP: Final = ("--orders", "240", "--days", "3", "--variety", "demo", "--seed", "3", "--skus", "200", "--plants")
_CONFIGURATION: Final = """\
connections:
  shop:
    system: woocommerce
    url: {shop}
    auth: {{key: "${{env:SHOP_KEY}}", secret: "${{env:SHOP_SECRET}}"}}
    allow_hosts: [127.0.0.1]
  erp:
    system: sandbox_erp
    url: {erp}
    auth: {{key: "${{env:ERP_KEY}}"}}
    allow_hosts: [127.0.0.1]
channels:
  webshop:
    source: shop
    erp: erp
    timezone: Europe/Berlin
    canary: 0
    policies:
      start_at: 2026-01-01T00:00:00+01:00
      home_country: DE
      value_limits: {{EUR: 14000}}
"""


def main() -> None:
    """Write the picture beside this file."""
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        shop = stack.enter_context(_running("sandbox", "woocommerce", *_SHOP, "unknown_sku", "over_limit"))
        erp = stack.enter_context(_running("sandbox", "erp"))
        (folder / "crossdock.yaml").write_text(_CONFIGURATION.format(shop=shop["url"], erp=erp["url"]), "utf-8")
        environ = {
            **Settings.from_env().environ,
            "CROSSDOCK_CONFIG": name,
            "CROSSDOCK_STATE": str(folder / "state"),
            "CROSSDOCK_LISTEN": "127.0.0.1:0",
            "SHOP_KEY": "ck_sandbox",
            "SHOP_SECRET": "cs_sandbox",
            "ERP_KEY": "sandbox-erp-key",
        }
        _tell(("init",), environ)
        stack.enter_context(_started((*_CROSSDOCK, "run"), environ, subprocess.DEVNULL))
        _wait(environ)
        _draw(("status", "proof"), environ, Path(__file__).with_name("proof.svg"))


@contextlib.contextmanager
def _started(command: Sequence[str], environ: Mapping[str, str] | None, stdout: int) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(command, env=environ, stdout=stdout, stderr=subprocess.DEVNULL, text=True)  # noqa: S603 - ours
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


@contextlib.contextmanager
def _running(*command: str) -> Iterator[dict[str, Any]]:
    """A sandbox; yields what it says when it is ready."""
    with _started((*_CROSSDOCK, *command), None, subprocess.PIPE) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())


def _tell(command: Sequence[str], environ: Mapping[str, str]) -> str:
    done = subprocess.run((*_CROSSDOCK, *command), env=environ, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    return done.stdout


def _wait(environ: Mapping[str, str]) -> None:
    """Until the proof holds: everything is in the ERP or held."""
    deadline = time.monotonic() + _PATIENCE_S
    while "the proof holds" not in _tell(("proof",), environ):
        if time.monotonic() > deadline:
            raise SystemExit("the proof does not hold; look with `crossdock status`")
        time.sleep(1)


def _draw(commands: Sequence[str], environ: Mapping[str, str], path: Path) -> None:
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        console = Console(record=True, width=_COLUMNS, file=nowhere, force_terminal=True)
        for command in commands:
            console.print(Text.assemble(("$ ", "bold green"), (f"crossdock {command}", "bold")))
            console.print(Text.from_ansi(_see(command, environ)))
            console.print()
        drawn = console.export_svg(title="crossdock")
    # A picture that fetches nothing: without Rich's web font, the reader's own.
    path.write_text(re.sub(r"@font-face \{.*?\}", "", drawn, flags=re.DOTALL), "utf-8")


def _see(command: str, environ: Mapping[str, str]) -> str:
    """What a command prints on a terminal: as wide as the picture, in colours."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 60, _COLUMNS, 0, 0))
    shown = b""
    environ = {**environ, "TERM": "xterm-256color"}
    with subprocess.Popen((*_CROSSDOCK, command), env=environ, stdout=theirs, stderr=subprocess.DEVNULL):  # noqa: S603 - ours
        os.close(theirs)
        # Reading fails when the command has ended, as Linux has it.
        with contextlib.suppress(OSError):
            while more := os.read(ours, 65536):
                shown += more
    os.close(ours)
    return shown.decode().replace("\r\n", "\n").rstrip()


if __name__ == "__main__":
    main()
