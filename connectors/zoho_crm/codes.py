"""What Zoho CRM's answers mean: codes of whole answers, and of the rows of an answer, whatever its status."""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping
from typing import Any, Final

from connectors.kit.answers import Response, asked_to_slow_down
from connectors.kit.errors import (
    AlreadyExists,
    ConnectionBroken,
    ConnectorError,
    OutcomeUnknown,
    RateLimited,
    RecordRejected,
    Transient,
)
from connectors.kit.words import joined, say

#: The record was changed since we read it. Older answers say the second.
CHANGED: Final = frozenset({"already_modified", "record_modified"})
#: Nothing has changed since.
UNCHANGED: Final = "unchanged"

#: Code -> what a person must do; the whole connection stops.
_BROKEN: Final[Mapping[str, str]] = {
    "invalid_token": say("check `auth` of the connection, and that its client is of the data centre of `url`"),
    "authentication_failure": say("check `auth` of the connection, and that its user is active"),
    "oauth_scope_mismatch": say("make a refresh token with the scopes that the documentation of this connector lists"),
    "no_permission": say("give the profile of the token's user the right that is missing"),
    "authorization_failed": say("give the profile of the token's user the right that is missing"),
    "invalid_url_pattern": say(
        "`url` must be the address of a data centre of Zoho, https://www.zohoapis.eu for instance"
    ),
    "invalid_module": say("the edition has no such module, or its user may not see it"),
}
#: Code -> why this one record is not taken.
_HELD: Final[Mapping[str, str]] = {
    "record_locked": say("the record is locked in the CRM; unlock it there"),
    "record_in_blueprint": say("a blueprint of the CRM holds the record in its state; bring it on there"),
    "not_approved": say("the record waits for an approval in the CRM"),
}
_NOT_MODIFIED: Final = 304
_TOO_MANY: Final = 429
_SERVER_ERROR: Final = 500
_CREDITS: Final = "X-API-CREDITS-REMAINING"
#: Without a word of theirs: seconds first, then minutes, and an hour where no credits are left.
_SECONDS: Final = 4
_MINUTES_S: Final = (120.0, 900.0)
_NO_CREDITS_S: Final = 3600.0


class Verdicts:
    """The table of one connection; it counts refusals in a row, for 429 does not say for how long. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._refused = 0

    def classify(self, response: Response) -> ConnectorError | None:
        """An answer of 300 and more; None leaves it to the kit's table."""
        if response.status == _NOT_MODIFIED:
            return RecordRejected(say("nothing has changed"), code=UNCHANGED, status=response.status)
        if response.status == _TOO_MANY:
            return self._too_many(response)
        row = error_row(response.data)
        if row is None or response.status >= _SERVER_ERROR:
            return None
        return judged(row, response.status)

    def verdict(self, response: Response) -> ConnectorError | None:
        """An answer below 300: an error that stands in the answer's place. Rows are for who wrote them to read."""
        with self._lock:
            self._refused = 0
        data = response.data
        if isinstance(data, dict) and data.get("status") == "error":
            return judged(data, response.status)
        return None

    def _too_many(self, response: Response) -> RateLimited:
        with self._lock:
            self._refused += 1
            refused = self._refused
        if "Retry-After" in response.headers or refused <= _SECONDS:
            pause = asked_to_slow_down(response, "too_many_requests")
            if response.headers.get(_CREDITS) != "0":
                return pause
        longest = _MINUTES_S[0] if refused <= 2 * _SECONDS else _MINUTES_S[1]
        if response.headers.get(_CREDITS) == "0":
            longest = _NO_CREDITS_S
        pause_s = random.uniform(longest / 2, longest)  # noqa: S311 - no secret
        return RateLimited(str(response), retry_after_s=pause_s, code="too_many_requests", status=response.status)


def error_row(data: Any) -> Mapping[str, Any] | None:
    """The refusal in an answer: bare, or the first row of `data` or `watch`; None where there is none."""
    if not isinstance(data, dict):
        return None
    rows = data.get("data", data.get("watch"))
    found = rows[0] if isinstance(rows, list) and rows and isinstance(rows[0], dict) else data
    return found if isinstance(found.get("code"), str) and found["code"] != "SUCCESS" else None


def judged(row: Mapping[str, Any], status: int | None, *, write: bool = False) -> ConnectorError:
    """What a refusal means: of a call, or of one record of it. `write` where a trouble of theirs leaves doubt."""
    code, text = str(row.get("code") or "").lower(), told(row)
    if (advice := _BROKEN.get(code)) is not None:
        return ConnectionBroken(say("%(answer)s; %(advice)s", answer=text, advice=advice), code=code, status=status)
    if code == "internal_error":
        return (OutcomeUnknown if write else Transient)(text, code=code, status=status)
    field = str(_details(row).get("api_name") or "")
    if (why := _HELD.get(code)) is not None:
        return RecordRejected(say("%(answer)s; %(advice)s", answer=text, advice=why), code=code, status=status)
    kind = AlreadyExists if code == "duplicate_data" else RecordRejected
    return kind(text, field=field, code=code, status=status)


def told(row: Mapping[str, Any]) -> str:
    """The vendor's words, with the field and what it should have been; of several errors all of them."""
    details = _details(row)
    several = [each for each in details.get("errors") or () if isinstance(each, dict)]
    if several:
        return joined("; ", [told(each) for each in several])
    expected = ", ".join(
        f"{name}: {details[name]}"
        for name in ("expected_data_type", "maximum_length", "supported_values", "expected_fields", "permissions")
        if name in details
    )
    where = str(details.get("json_path") or details.get("api_name") or details.get("param_name") or "")
    message = str(row.get("message") or row.get("code") or "")[:500]
    code = str(row.get("code") or "")
    parts = [part for part in (f"{code} {where}".strip(), message, expected[:300]) if part]
    return say("Zoho CRM answered: %(message)s", message=": ".join(parts))


def advice(error: ConnectorError) -> str:
    """What a person must do about a refusal that stops the whole connection; empty for any other."""
    return _BROKEN.get(error.code, "")


def _details(row: Mapping[str, Any]) -> Mapping[str, Any]:
    details = row.get("details")
    return details if isinstance(details, dict) else {}
