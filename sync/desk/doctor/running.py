"""Running check-ups side by side: each has a thread of its own, and all are done by one deadline.

A thread cannot be ended. What still runs at the deadline is left to itself: each of its calls ends by a deadline of
its own, and nothing of it is listened to any more.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

import structlog

from connectors.kit.findings import Finding, unknown
from sync.desk.doctor.report import Line
from sync.desk.phrases import say

log = structlog.get_logger(__name__)

#: Told after each check: how many are done, of how many.
Progress = Callable[[int, int], None]


@dataclasses.dataclass(frozen=True, slots=True)
class Section:
    """Checks that belong together and are made one after the other."""

    name: str
    #: Constant id -> what it looks at.
    checks: Mapping[str, str]
    run: Callable[[], Iterator[Finding]]


class _Run:
    """One section being looked at."""

    def __init__(self, section: Section) -> None:
        self.section = section
        self.found: dict[str, Finding] = {}
        self.ended = threading.Event()
        self._abandoned = threading.Event()
        self.thread = threading.Thread(target=self._work, name=f"doctor-{section.name}", daemon=True)

    def _work(self) -> None:
        try:
            for finding in self.section.run():
                if self._abandoned.is_set():
                    return
                self.found[finding.check] = finding
        except Exception as error:
            # A check of a third party's connector, too, may fail in a way that nobody foresaw; the others go on.
            if not self._abandoned.is_set():
                log.exception("check_failed_inside", section=self.section.name)
                self._blame(error)
        finally:
            self.ended.set()

    def _blame(self, error: Exception) -> None:
        """The check that was being made is the first without a finding."""
        for check in self.section.checks:
            if check not in self.found:
                told = say("internal error: %(name)s", name=type(error).__name__)
                self.found[check] = unknown(check, told, say("this is a defect, please report it with the log's lines"))
                return

    def lines(self, total_s: float) -> list[Line]:
        """One line of each check, of those too that were not made."""
        self._abandoned.set()
        found = dict(self.found)
        reason = self._reason(found, total_s)
        return [
            Line(self.section.name, title, found.get(check) or unknown(check, reason))
            for check, title in self.section.checks.items()
        ]

    def _reason(self, found: Mapping[str, Finding], total_s: float) -> str:
        if not self.ended.is_set():
            return say("not found out within %(seconds)s s", seconds=f"{total_s:.0f}")
        last = list(found)[-1] if found else ""
        return say("not looked at: `%(check)s` comes first", check=last) if last else say("not looked at")


def run_all(sections: Sequence[Section], total_s: float, progress: Progress = lambda _done, _total: None) -> list[Line]:
    """The lines of every section, in order, within `total_s` seconds; what was not found out by then is unknown."""
    runs = [_Run(section) for section in sections]
    until = time.monotonic() + total_s
    for run in runs:
        run.thread.start()
    total = sum(len(section.checks) for section in sections)
    for run in runs:
        while not run.ended.wait(min(0.2, max(until - time.monotonic(), 0.0))):
            progress(sum(len(each.found) for each in runs), total)
            if time.monotonic() >= until:
                break
    return [line for run in runs for line in run.lines(total_s)]
