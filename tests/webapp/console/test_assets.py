"""What is served beside the pages."""

from __future__ import annotations

import hashlib
import re

from tests.shared import REPOSITORY
from webapp.console.assets import FOLDER

#: Of `dist/htmx.min.js` in htmx.org-2.0.11.tgz on the npm registry. A new version is a new file and a new line here.
VENDORED = {"htmx-2.0.11.min.js": "d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717"}


def test_what_others_have_written_is_as_they_published_it_with_its_licence():
    scripts = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in FOLDER.glob("vendor/*.js")}
    assert scripts == VENDORED
    for name in VENDORED:
        assert (FOLDER / "vendor" / name.replace(".min.js", ".LICENSE")).read_text().startswith("Zero-Clause BSD")


def test_a_file_may_be_kept_because_its_address_changes_with_it(browser):
    page = browser().get("/sign-in").text
    address = re.search(r'href="(/static/console\.css\?v=([0-9a-f]{12}))"', page)
    answer = browser().get(address[1])
    assert hashlib.sha256(answer.data).hexdigest().startswith(address[2])
    assert "immutable" in answer.headers["Cache-Control"]
    answer.close()


def test_the_styles_fetch_nothing_and_colour_nothing_without_a_token():
    styles = (FOLDER / "console.css").read_text()
    assert "url(" not in styles
    assert "@import" not in styles
    body = re.sub(r"--[\w-]+:[^;]+;", "", styles)
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b(?=[;\s])", body) == []


def luminance(colour):
    channels = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_every_pair_of_text_and_ground_has_enough_contrast_in_both_schemes():
    """WCAG 2.2 AA: 4.5:1 for text, 3:1 for the edge of a field."""
    light, dark = re.findall(r":root \{(.*?)\n {0,2}\}", (FOLDER / "console.css").read_text(), re.DOTALL)[:2]
    for block in (light, dark):
        tokens = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))
        pairs = [(text, ground) for text in ("text", "muted", "accent") for ground in ("bg", "surface", "sunken")]
        pairs += [(tone, f"{tone}-soft") for tone in ("ok", "warn", "bad", "info", "off")]
        pairs += [("on-accent", "accent"), ("on-accent", "accent-hover"), ("text", "off-soft"), ("info", "accent-soft")]
        pairs += [(tone, ground) for tone in ("ok", "warn", "bad") for ground in ("surface", "bg")]
        weak = {pair: contrast(*(tokens[name] for name in pair)) for pair in pairs}
        assert {pair: ratio for pair, ratio in weak.items() if ratio < 4.5} == {}
        assert min(contrast(tokens["edge"], tokens[ground]) for ground in ("bg", "surface")) >= 3


def test_no_template_trusts_data():
    for path in (REPOSITORY / "webapp" / "templates").rglob("*.html"):
        assert not re.search(r"\|\s*safe\b|autoescape\s+false|\bstyle=", path.read_text()), path.name
