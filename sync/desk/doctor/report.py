"""What a check-up came to: its lines, and how far the installation is from going live.

The score is the share of the checks that are in order, in percent, rounded down. Each check counts once, so that no
weight of ours hides a failure; a warning counts half, because it works; what failed and what nobody could find out
counts nothing. It says how far it is. Whether it is enough says `ready`: not one check failed, and none is open.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection

from connectors.kit.findings import Finding, Level
from sync.desk.phrases import Phrase, say
from sync.store.engine import Store
from sync.store.reports import Report as KeptReport
from sync.store.reports import last_reports, save_report

#: `reports.kind`; the subject is empty for a check-up of everything, else the section.
KIND: Final = "doctor"
#: `reports.kind` of a connection's subscriptions as they were last seen.
WEBHOOKS: Final = "webhooks"
_POINTS: Final[Mapping[Level, int]] = {Level.OK: 2, Level.WARN: 1, Level.FAIL: 0, Level.UNKNOWN: 0}
#: What should be done first.
_GRAVITY: Final = (Level.FAIL, Level.UNKNOWN, Level.WARN)


def key_subject(name: str) -> str:
    """`reports.subject` of the proof of a connection's key."""
    return f"key:{name}"


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """One check: where, what it looks at, and how it ended."""

    #: `installation`, `queue`, `connection:<name>`, `channel:<name>`, `golive`.
    section: str
    title: str
    finding: Finding

    def to_json(self) -> dict[str, str]:
        """Flat, as `--json` prints it."""
        return {"section": self.section, "title": self.title, **dataclasses.asdict(self.finding)}

    @classmethod
    def from_json(cls, data: Mapping[str, str]) -> Line:
        """The inverse."""
        words = {name: data[name] for name in ("check", "found", "expected", "next_step")}
        return cls(data["section"], data["title"], Finding(level=Level(data["level"]), **words))


@dataclasses.dataclass(frozen=True, slots=True)
class Report:
    """One check-up."""

    at: dt.datetime
    lines: tuple[Line, ...]

    @property
    def score(self) -> int:
        """0 to 100; see the module's text."""
        points = sum(_POINTS[line.finding.level] for line in self.lines)
        return points * 100 // (2 * len(self.lines)) if self.lines else 0

    @property
    def ok(self) -> bool:
        """Nothing failed."""
        return self.count(Level.FAIL) == 0

    @property
    def ready(self) -> bool:
        """Nothing failed, and nothing is open."""
        return self.ok and self.count(Level.UNKNOWN) == 0

    @property
    def verdict(self) -> Phrase:
        """How far it is, in one sentence that the list of what is to be done does not contradict."""
        if not self.ok:
            return say("Something does not work yet.")
        if not self.ready:
            return say("Nothing failed, but some things could not be found out.")
        if self.todo:
            return say("Nothing stands in the way of going live; the warnings below are worth a look before.")
        return say("Nothing stands in the way of going live.")

    def count(self, level: Level) -> int:
        """How many checks ended so."""
        return sum(line.finding.level is level for line in self.lines)

    @property
    def todo(self) -> list[Line]:
        """What is to be done, the gravest first: the go-live list. What only waits for another check is left out."""
        open_ = [line for level in _GRAVITY for line in self.lines if line.finding.level is level]
        return [line for line in open_ if line.finding.next_step or line.finding.level is not Level.UNKNOWN]

    def sections(self) -> dict[str, list[Line]]:
        """Section -> its lines, in order."""
        found: dict[str, list[Line]] = {}
        for line in self.lines:
            found.setdefault(line.section, []).append(line)
        return found

    def to_json(self) -> dict[str, Any]:
        """As `--json` prints it and the database keeps it."""
        return {
            "at": self.at.isoformat(),
            "score": self.score,
            "ready": self.ready,
            "counts": {str(level): self.count(level) for level in Level},
            "checks": [line.to_json() for line in self.lines],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Report:
        """The inverse."""
        return cls(dt.datetime.fromisoformat(data["at"]), tuple(Line.from_json(line) for line in data["checks"]))


def report_of(lines: Sequence[Line]) -> Report:
    """As of now."""
    return Report(dt.datetime.now(dt.UTC), tuple(lines))


def keep_report(store: Store, report: Report, subject: str = "") -> None:
    """Keep it as the last check-up of `subject`: a section, or everything."""
    store.write(lambda c: save_report(c, KIND, subject, ok=report.ok, body=report.to_json()))


def last_checkup(connection: Connection, subject: str = "") -> Report | None:
    """The last check-up that was kept, of everything or of one section; None where there never was one.

    A section is also looked at whenever everything is.
    """
    return last_checkups(connection, [subject])[subject]


def last_checkups(connection: Connection, subjects: Sequence[str]) -> dict[str, Report | None]:
    """`last_checkup` of each; the one of everything is as large as the installation, and is decoded once for all."""
    kept = last_reports(connection, KIND, {"", *subjects})
    whole = Report.from_json(kept[""].body) if "" in kept else None
    sections = whole.sections() if whole else {}
    return {
        subject: _newer(whole, sections.get(subject), kept.get(subject)) if subject else whole for subject in subjects
    }


def _newer(whole: Report | None, lines: Sequence[Line] | None, own: KeptReport | None) -> Report | None:
    if whole is not None and lines and (own is None or dt.datetime.fromisoformat(own.body["at"]) < whole.at):
        return Report(whole.at, tuple(lines))
    return None if own is None else Report.from_json(own.body)
