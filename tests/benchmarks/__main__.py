"""Runs every benchmark, each in a process of its own: `make bench`, or `python -m tests.benchmarks NAME ...` for some.

A benchmark is a module here that can be run by itself; it measures its limit or peer in the same run and prints ratios.
"""

from __future__ import annotations

import subprocess
import sys

from tests.benchmarks.report import console

#: In the order in which they run. The other modules here are what these stand on.
BENCHMARKS = (
    "mapping",
    "profiles",
    "drain",
    "resync",
    "costs",
    "accept",
    "console",
    "desk",
    "stock",
    "scaling",
    "calls",
)


def main(wanted: list[str]) -> int:
    """Run these, or all; 1 if any of them could not be run to its end."""
    if unknown := sorted(set(wanted) - set(BENCHMARKS)):
        sys.stderr.write(f"no benchmark is called {', '.join(unknown)}; there are: {', '.join(BENCHMARKS)}\n")
        return 2
    screen = console()
    failed = []
    for name in wanted or BENCHMARKS:
        screen.rule(name)
        if subprocess.run([sys.executable, "-m", f"tests.benchmarks.{name}"], check=False).returncode:
            failed.append(name)
    if failed:
        sys.stderr.write(f"not run to the end: {', '.join(failed)}\n")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
