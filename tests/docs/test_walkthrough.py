"""The walk-throughs show all of their pictures, and the profile with which they were made."""

from __future__ import annotations

import re

import pytest

from tests.docs.scripts import load_scripts
from tests.shared import REPOSITORY

DOCS = REPOSITORY / "docs"


@pytest.mark.parametrize("walk", ["mapping", "desk"])
def test_the_page_shows_the_pictures_of_the_walk(walk):
    page = (DOCS / f"walkthrough-{walk}.md").read_text("utf-8")
    script = (DOCS / "img" / f"walkthrough_{walk}.py").read_text("utf-8")
    assert re.findall(rf"\(img/{walk}-([\w-]+)\.png\)", page) == sorted(re.findall(r'shot\("([\w-]+)"\)', script))


def test_the_page_shows_the_profile_that_is_written(monkeypatch):
    [farm_shop] = load_scripts(monkeypatch, "farm_shop")
    assert f"```yaml\n{farm_shop.PROFILE}```" in (DOCS / "walkthrough-mapping.md").read_text("utf-8")
