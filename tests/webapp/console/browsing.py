"""A real browser in the console, as one person each, which writes down whatever must never happen."""

from __future__ import annotations

import json
import re

from tests.shared import PATIENCE_S, REPOSITORY, unavailable
from tests.webapp.console.stage import PASSWORD

AXE = REPOSITORY / ".node" / "node_modules" / "axe-core" / "axe.min.js"
#: What conformance with WCAG 2.2 AA asks for, of what a program can see.
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]

#: Whatever a text could have become if it were not one.
_INJECTED = """() => [...document.querySelectorAll(
    "img, iframe, object, embed, base, script:not([src]), style, [style], a[href^='javascript' i]")]
    .concat([...document.querySelectorAll("*")].filter((e) => e.getAttributeNames().some((n) => n.startsWith("on"))))
    .map((e) => e.outerHTML.slice(0, 120))"""
_TOO_WIDE = """() => document.documentElement.scrollWidth <= innerWidth ? [] :
    [...document.querySelectorAll("main *, header *, nav *")]
    .filter((e) => e.getBoundingClientRect().right > innerWidth + 1)
    .filter((e) => !e.closest(".scroll, .sr, pre, .side ul, .tabs ul"))
    .map((e) => e.outerHTML.slice(0, 120)).slice(0, 3)
    .concat(`${document.documentElement.scrollWidth} px`)"""
# A link in running text may be small; a choice is as large as its label.
_TOO_SMALL = """() => [...document.querySelectorAll("a, button, input, select, textarea, summary, label:has(input)")]
    .filter((e) => e.checkVisibility() && !e.closest("p, td, th, dd, .sr, .skip") && !e.matches("label input"))
    .map((e) => [e.outerHTML.slice(0, 100), e.getBoundingClientRect()])
    .filter(([, box]) => box.width < 24 || box.height < 24)
    .map(([text, box]) => `${box.width}x${box.height} ${text}`)"""
#: What has the focus: "" for nothing, else why it cannot be seen, or "ok".
_FOCUS = """() => {
    const element = document.activeElement;
    if (element === document.body || element === document.documentElement) return "";
    const box = element.getBoundingClientRect(), style = getComputedStyle(element);
    if (style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 2) return `no outline: ${element.outerHTML}`;
    // The middle of what is seen of it: a long text that scrolls is in part outside.
    const x = (Math.max(box.left, 0) + Math.min(box.right, innerWidth)) / 2;
    const y = (Math.max(box.top, 0) + Math.min(box.bottom, innerHeight)) / 2;
    const top = document.elementFromPoint(x, y);
    if (top && (element.contains(top) || top.contains(element) || top.closest("label")?.contains(element))) return "ok";
    return `covered by ${top?.outerHTML.slice(0, 80)}: ${element.outerHTML.slice(0, 200)}`;
}"""


def axe_source():
    if not AXE.exists():
        unavailable("axe-core is not there: make browser")
    return AXE.read_text("utf-8")


def settle(page):
    """Wait until htmx rests. The content policy forbids a script that is asked for again and again."""
    page.locator(".htmx-request, .htmx-swapping, .htmx-settling").first.wait_for(state="detached")


class Person:
    """Somebody in front of a browser. `wrong` is what must stay empty."""

    def __init__(self, chromium, base, **options):
        self.base, self.wrong = base, []
        self.context = chromium.new_context(base_url=base, reduced_motion="reduce", **options)
        self.context.set_default_timeout(PATIENCE_S * 1000)
        self.page = self.context.new_page()
        self.page.on("pageerror", lambda error: self._bad(f"script: {error}"))
        self.page.on("dialog", self._dialog)
        self.page.on("console", self._said)
        self.page.on("request", lambda asked: asked.url.startswith(base) or self._bad(f"asks {asked.url}"))
        self.page.on("response", lambda answer: answer.status < 500 or self._bad(f"{answer.status} {answer.url}"))

    def _bad(self, text):
        self.wrong.append(f"{self.page.url.removeprefix(self.base)}: {text}")

    def _dialog(self, dialog):
        self._bad(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _said(self, said):
        # That a page was answered with 4xx is what its test looks at, and no fault of the page.
        if said.type == "error" and "status of 4" not in said.text:
            self._bad(said.text)

    def sign_in(self, login, password=PASSWORD):
        self.page.goto("/sign-in")
        self.page.get_by_label("Login").fill(login)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url("**/")

    def open(self, path):
        """The status of this page, with everything on it unfolded."""
        answer = self.page.goto(path)
        self.unfold()
        return answer.status

    def unfold(self):
        self.page.evaluate("document.querySelectorAll('details:not(.menu)').forEach((one) => { one.open = true; })")

    def work_on(self, channel, order):
        """At the workbench of a channel, with an order that was brought along."""
        self.page.goto(f"/mappings/{channel}/workbench")
        self.page.locator("#f-sample").evaluate("one => { one.value = ''; }")
        self.unfold()
        self.page.locator("#f-own").fill(json.dumps(order))
        self.page.get_by_role("button", name="Check").click()
        self.page.locator("#result").get_by_text("The sample is mapped").wait_for()

    def links(self):
        """Where this page leads inside of the console, as paths."""
        found = self.page.eval_on_selector_all("a[href]", "all => all.map((one) => one.href)")
        ours = (one.removeprefix(self.base).partition("#")[0] for one in found if one.startswith(self.base))
        return list(dict.fromkeys(ours))

    def injected(self):
        return self.page.evaluate(_INJECTED)

    def too_wide(self):
        return self.page.evaluate(_TOO_WIDE)

    def too_small(self):
        return self.page.evaluate(_TOO_SMALL)

    def focus(self):
        return self.page.evaluate(_FOCUS)

    def violations(self, source, *, of_colours=False):
        """What axe finds against TAGS, each with the elements; or only what another colour scheme can change."""
        if not self.page.evaluate("typeof window.axe === 'object'"):
            self.page.evaluate(source)
        rules = {"type": "rule", "values": ["color-contrast"]} if of_colours else {"type": "tag", "values": TAGS}
        options = {"runOnly": rules, "resultTypes": ["violations"]}
        found = self.page.evaluate("(options) => axe.run(document, options)", options)["violations"]
        return [
            f"{one['id']}: {node['html'][:160]} {' '.join(node['failureSummary'].split())[:200]}"
            for one in found
            for node in one["nodes"][:3]
        ]

    def tab_to(self, name, *, most=80):
        """Press the Tab key until something of this name has the focus; each stop on the way must be seen."""
        for _ in range(most):
            self.page.keyboard.press("Tab")
            seen = self.focus()
            assert seen in {"", "ok"}, seen
            text = self.page.evaluate(
                "(document.activeElement.textContent || document.activeElement.name || '').trim()"
            )
            if re.search(name, text):
                return
        raise AssertionError(f"nothing called {name} within {most} stops of {self.page.url}")

    def close(self):
        self.context.close()
        assert not self.wrong, "\n".join(self.wrong)
