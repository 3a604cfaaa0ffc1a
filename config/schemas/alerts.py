"""`alerts`, and `watch` of a channel."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from marshmallow import ValidationError, validates_schema

from config import kinds
from config.fields import Complaint, ListOf, Scalar, SecretText, shown_value
from config.model import AlertKind, Severity
from config.schemas.connection import allowed
from config.schemas.section import Section

_HOURS: Final = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]")
_CAUSE: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")


def _matching(pattern: re.Pattern[str], expected: str) -> kinds.Kind[str]:
    def read(text: str) -> str:
        if not pattern.fullmatch(text):
            raise ValueError(text)
        return text

    return kinds.Kind(read, expected)


class AlertSection(Section):
    """One way in which people are told of what is out of order."""

    kind = Scalar(
        kinds.member(AlertKind),
        "`apprise`: mail, chat and other services, by an address of that library. `webhook`: JSON to an address of "
        "your own, signed.",
    )
    url = SecretText(
        "Where it goes: an apprise address (`mailtos://USER:PASSWORD@HOST/?to=...`, `slack://...`), or the address of "
        "your receiver. All of it is a secret.",
        example="${env:ALERT_URL}",
        required=True,
    )
    secrets = ListOf(
        SecretText("A secret that the receiver knows."),
        "What a webhook is signed with; with several of them it carries a signature of each.",
        example="- ${env:ALERT_SECRET}",
    )
    severity = Scalar(kinds.member(Severity), "The least that is told.", example="critical")
    causes = ListOf(
        Scalar(_matching(_CAUSE, "the name of a cause, as `crossdock alerts causes` lists them"), "A cause."),
        "Only these causes; all where this is left out.",
        example="- connection",
    )
    of = ListOf(
        Scalar(kinds.NAME, "A name."),
        "Only what concerns these connections and channels, and the installation as a whole.",
        example="- shop",
    )
    digest_s = Scalar(
        kinds.duration("0", "1d"), "Not more than one message in this time; what comes meanwhile goes into the next."
    )
    quiet_hours = Scalar(
        _matching(_HOURS, "two times of a day, e.g. 22:00-07:00"),
        "When only what is critical is told; the rest is told afterwards, where it is still true.",
        example="22:00-07:00",
    )
    timezone = Scalar(kinds.ZONE, "The zone of `quiet_hours`.", example="Europe/Berlin")
    allow_hosts = ListOf(
        Scalar(kinds.HOST, "A host."),
        "Hosts and networks of webhooks that may have private addresses or speak plain http.",
        example="- 10.1.0.7",
    )

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _signed(self, data: dict[str, Any], original: object, **_: object) -> None:
        """A receiver that cannot tell our message from anybody's is worse than none."""
        if data.get("kind") is not AlertKind.WEBHOOK or not isinstance(original, Mapping):
            return
        if ("secrets" in data or "secrets" not in original) and not any(data.get("secrets", ())):
            step = "make one up: a long random text that your receiver knows too"
            raise ValidationError([Complaint("no secret", "at least one secret to sign with", step)], "secrets")

    @validates_schema(pass_original=True, skip_on_field_errors=True)
    def _encrypted(self, data: dict[str, Any], original: Mapping[str, object], **_: object) -> None:
        """What is out of order is nobody else's business. The address is not shown: there may be a token in it."""
        if data.get("kind") is not AlertKind.WEBHOOK:
            return
        url = urlsplit(data["url"].reveal())
        if url.scheme == "https" and url.hostname:
            return
        if url.scheme == "http" and url.hostname and allowed(url.hostname, data.get("allow_hosts", ())):
            return
        step = "use https, or put the host into allow_hosts if the way there is safe (this machine, your own network)"
        raise ValidationError([Complaint(shown_value(original["url"]), "an https address", step)], "url")


class WatchSection(Section):
    """What of a channel raises an alert, and when."""

    away_s = Scalar(
        kinds.duration("0", "1d"), "One of its connections was away for so long; it is tried again all the time."
    )
    backlog_s = Scalar(
        kinds.duration("1m", "7d"), "An order could have been worked on for so long, and no worker had it in hand."
    )
    promise_s = Scalar(
        kinds.duration("0", "30d"),
        "How soon an order is promised to be in the ERP: causes that break the promise say so. 0 promises nothing.",
        example="4h",
    )
    volume = Scalar(
        kinds.SWITCH,
        "Whether far fewer or far more orders than usual at this hour of the week are told.",
        default="`on`",
    )
    volume_factor = Scalar(kinds.decimal(2, 100), "How many times fewer or more is far.", example="10")
    volume_weeks = Scalar(kinds.whole(4, 12), "Over how many weeks back it is known what is usual.")
