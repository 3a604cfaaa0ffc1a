"""The scripts beside the pictures, which are no package."""

from __future__ import annotations

import importlib.util
import sys

from tests.shared import REPOSITORY


def load_scripts(monkeypatch, *names):
    """The modules, as a script there imports them: those that others import come first."""
    found = []
    for name in names:
        spec = importlib.util.spec_from_file_location(name, REPOSITORY / "docs" / "img" / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, module)
        spec.loader.exec_module(module)
        found.append(module)
    return found
