"""Links between the pages lead somewhere, to the heading that they name."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

import pytest

from tests.docs.pages import pages, prose
from tests.shared import REPOSITORY

LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)


def anchors(text):
    """As GitHub makes them: lower case, no punctuation, blanks as hyphens, a number where it comes again."""
    found = []
    for heading in HEADING.findall(prose(text)):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        anchor = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        found.append(f"{anchor}-{found.count(anchor)}" if anchor in found else anchor)
    return found


def links(text):
    return [link for link in LINK.findall(prose(text)) if "://" not in link and not link.startswith("mailto:")]


@pytest.mark.parametrize("page", pages())
def test_every_link_leads_to_a_file_and_heading_that_are_there(page):
    texts, broken = pages(), []
    for link in links(texts[page]):
        name, _, anchor = link.partition("#")
        target = PurePosixPath(page).parent / name if name else PurePosixPath(page)
        path = (REPOSITORY / target).resolve()
        if not path.exists():
            broken.append(f"{link}: there is no {path}")
        elif anchor and anchor not in anchors(path.read_text("utf-8")):
            broken.append(f"{link}: {path.name} has no such heading")
    assert broken == []


def test_every_page_can_be_found_from_the_readme():
    texts = pages()
    seen, ahead = set(), ["README.md"]
    while ahead:
        page = ahead.pop()
        if page in seen or page not in texts:
            continue
        seen.add(page)
        names = [link.partition("#")[0] for link in links(texts[page])]
        folder = REPOSITORY / PurePosixPath(page).parent
        ahead += [str((folder / name).resolve().relative_to(REPOSITORY)) for name in names if name]
    assert set(texts) - seen == set()


def test_anchors_are_made_as_github_makes_them():
    text = "# One: `two`\n\n## What, *now*?\n\n## What, now?\n\n```\n# no heading\n```\n"
    assert anchors(text) == ["one-two", "what-now", "what-now-1"]
