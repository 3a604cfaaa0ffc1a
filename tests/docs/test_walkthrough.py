"""The walk-through shows the profile with which its pictures were made, and all of its pictures."""

from __future__ import annotations

import importlib.util
import re

from tests.shared import REPOSITORY

DOCS = REPOSITORY / "docs"


def test_the_page_shows_the_profile_and_the_pictures_of_the_walk():
    spec = importlib.util.spec_from_file_location("farm_shop", DOCS / "img" / "farm_shop.py")
    farm_shop = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(farm_shop)
    page = (DOCS / "walkthrough-mapping.md").read_text("utf-8")
    assert f"```yaml\n{farm_shop.PROFILE}```" in page
    taken = re.findall(r'shot\("([\w-]+)"\)', (DOCS / "img" / "walkthrough_mapping.py").read_text("utf-8"))
    assert re.findall(r"\(img/mapping-([\w-]+)\.png\)", page) == sorted(taken)
