"""What runs of something else have found: it is kept here, so that pages can be made of it and a test can compare."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

_FOLDER: Final = Path(__file__).parent
#: Calls for one order of each pair: `python -m tests.benchmarks.calls --write`.
CALLS: Final = _FOLDER / "calls.yaml"
#: System -> what was said -> of which samples.
SAMPLES: Final = _FOLDER / "samples.yaml"
#: System -> lines of code.
LINES: Final = _FOLDER / "lines.yaml"
#: System -> capability -> how many tests of the contract have passed; and test -> how often.
RESULTS: Final = _FOLDER / "results.yaml"
#: Which tests speak for what, and what no code can know.
EVIDENCE: Final = _FOLDER / "evidence.yaml"
#: What no code can know, written by hand: reasons.
NOTES: Final = _FOLDER / "notes.yaml"


def load(path: Path) -> Any:
    """What is kept there; nothing where nobody has written anything yet."""
    return yaml.safe_load(path.read_text("utf-8")) if path.exists() else {}


def keep(path: Path, found: Mapping[str, Any]) -> None:
    """In place of what was there."""
    path.write_text(yaml.safe_dump(found, sort_keys=False, allow_unicode=True, width=120), "utf-8")
