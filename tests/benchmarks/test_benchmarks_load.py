"""No benchmark rots unseen between the runs that make it work: each module still finds what it imports."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

MODULES = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem not in {"__init__", "__main__"})


@pytest.mark.parametrize("name", MODULES)
def test_it_finds_what_it_imports(name):
    importlib.import_module(f"tests.benchmarks.{name}")
