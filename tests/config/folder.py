"""A configuration folder made for one test."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from config.loader import load_config
from config.model import Config
from config.problems import ConfigError

#: A whole, valid configuration; tests change or add lines.
CONNECTIONS = """\
connections:
  shop: {system: woocommerce, url: https://shop.example}
  erp: {system: tryton, url: https://erp.example}
"""
CHANNEL = CONNECTIONS + "channels:\n  main:\n    source: shop\n    erp: erp\n"
ENVIRON = {"KEY": "hunter2", "EMPTY": "", "URL": "https://u:hunter2@shop.example"}


def load(
    folder: Path, *, environ: Mapping[str, str] = ENVIRON, systems: set[str] | None = None, **files: str
) -> Config:
    """The configuration of files `a="..."` -> a.yaml."""
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text, "utf-8")
    return load_config(folder, environ, systems=systems)


def problems(folder: Path, *, systems: set[str] | None = None, **files: str) -> list[str]:
    """All problems, as a person reads them, with the folder written as F."""
    with pytest.raises(ConfigError) as caught:
        load(folder, systems=systems, **files)
    text = str(caught.value)
    assert "hunter2" not in text
    assert len(caught.value.problems) == len(text.splitlines())
    return text.replace(str(folder), "F").splitlines()
