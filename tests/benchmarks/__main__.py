"""Runs every benchmark, each in a process of its own: `make bench`, or `python -m tests.benchmarks NAME ...` for some.

A benchmark is a module here that can be run by itself; it measures its limit or peer in the same run and prints ratios.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from rich.console import Console

FOLDER = Path(__file__).parent


def names() -> list[str]:
    """The modules that run by themselves, in alphabetical order."""
    modules = sorted(path for path in FOLDER.glob("*.py") if not path.name.startswith("__"))
    return [path.stem for path in modules if 'if __name__ == "__main__":' in path.read_text("utf-8")]


def main(wanted: list[str]) -> int:
    """Run these, or all; 1 if any of them could not be run to its end."""
    known = names()
    if unknown := sorted(set(wanted) - set(known)):
        sys.stderr.write(f"no benchmark is called {', '.join(unknown)}; there are: {', '.join(known)}\n")
        return 2
    console = Console()
    failed = []
    for name in wanted or known:
        console.rule(name)
        if subprocess.run([sys.executable, "-m", f"tests.benchmarks.{name}"], check=False).returncode:
            failed.append(name)
    if failed:
        sys.stderr.write(f"not run to the end: {', '.join(failed)}\n")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
