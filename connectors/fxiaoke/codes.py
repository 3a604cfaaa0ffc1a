"""What Fxiaoke's answers mean: the codes of their bodies, for HTTP says 200 whatever happened.

https://developer.fxiaoke.com/openapi_v2/start/guide/codes.html . Texts change, so nothing is decided by them; they are
kept as they came, in the vendor's own language.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo

from connectors.kit.answers import Response
from connectors.kit.errors import (
    ConnectionBroken,
    ConnectorError,
    OutcomeUnknown,
    RateLimited,
    RecordRejected,
    Transient,
)
from connectors.kit.retry_after import LONGEST_S
from connectors.kit.words import Phrase, say

TOKEN_PATHS: Final = ("/oauth2.0/token", "/cgi/corpAccessToken/get/V2")
#: The calls of the day are spent; they are counted anew at midnight in China.
DAY_SPENT: Final = 30002
_MIDNIGHT: Final = ZoneInfo("Asia/Shanghai")
#: Code -> seconds after which the same interface takes calls again: those of a second, and of its twenty seconds.
_TOO_FAST: Final[Mapping[int, float]] = {30004: 2.0, 14001: 10.0}
_BUSY: Final = frozenset({-1, -2, 50009})
#: The token has run out, or was never one: a new one is asked for, once.
STALE: Final = frozenset({20005, 20016, 11003, 11014})

_CREDENTIALS: Final = say("check appId, appSecret and permanentCode of the app (`key`, `secret`, `password` of `auth`)")
_RIGHTS: Final = say("give the app the rights to these objects in Fxiaoke's administration, and enable it")
_USER: Final = say("`login` of `auth` must be an employee whom the app may act for")
#: Code -> what a person must do; the connection is of no use until then.
BROKEN: Final[Mapping[int, str]] = {
    20005: _CREDENTIALS,
    20016: _CREDENTIALS,
    11003: _CREDENTIALS,
    11014: _CREDENTIALS,
    20006: _CREDENTIALS,
    20015: _CREDENTIALS,
    20017: _CREDENTIALS,
    12002: _CREDENTIALS,
    15003: _RIGHTS,
    20014: _RIGHTS,
    20020: _RIGHTS,
    20021: say("the app is switched off for this company; switch it on in Fxiaoke's administration"),
    20022: say("the company has not authorised the app; authorise it in Fxiaoke's administration"),
    20023: _RIGHTS,
    20012: _USER,
    30027: _USER,
    30003: say("buy a pack of Open API calls from Fxiaoke; without one every call is refused"),
}


def name_of(code: int) -> str:
    """A code as errors carry it; ids of the catalogue have no sign."""
    return f"minus_{-code}" if code < 0 else str(code)


def code_of(data: Any) -> int | None:
    """The code of an answer; None for what is no answer of Fxiaoke."""
    code = data.get("errorCode") if isinstance(data, dict) else None
    return code if type(code) is int else None


def verdict(response: Response) -> ConnectorError | None:
    """What an answer with status 200 means; None for one that can be used."""
    code = code_of(response.data)
    if code is None:
        kind = OutcomeUnknown if response.write else Transient
        text = say("%(path)s was answered with something that has no errorCode", path=response.path)
        return kind(text, code="no_envelope", status=response.status)
    return None if code == 0 else _judged(response, code)


def _judged(response: Response, code: int) -> ConnectorError:
    text, name = told(response.data, code), name_of(code)
    if code == DAY_SPENT:
        left_s = until_midnight_s(dt.datetime.now(dt.UTC))
        return RateLimited(text, retry_after_s=min(left_s, LONGEST_S), asked_s=left_s, code=name, status=200)
    if code in _TOO_FAST:
        return RateLimited(text, retry_after_s=_TOO_FAST[code], code=name, status=200)
    if code in _BUSY:
        return (OutcomeUnknown if response.write else Transient)(text, code=name, status=200)
    if code in BROKEN:
        return _broken(text, BROKEN[code], name)
    if response.path in TOKEN_PATHS:
        # Codes of a wrong secret that the table does not list: a token is refused for no other reason.
        return _broken(text, _CREDENTIALS, "no_token")
    return RecordRejected(text, code=name, status=200)


def _broken(text: str, advice: str, name: str) -> ConnectionBroken:
    return ConnectionBroken(say("%(answer)s; %(advice)s", answer=text, advice=advice), code=name, status=200)


def told(data: Mapping[str, Any], code: int) -> str:
    """What Fxiaoke said, in its own words: the message, and the description where that says more."""
    said = [str(data.get(name) or "").strip() for name in ("errorMessage", "errorDescription", "error_description")]
    words = ", ".join(dict.fromkeys(text[:500] for text in said if text))
    return say("Fxiaoke answered %(code)s: %(message)s", code=code, message=words or "-")


def advice(error: ConnectorError) -> str:
    """What a person must do about a refusal that stops the whole connection; empty for any other."""
    text = str(error)
    return str(text.values["advice"]) if isinstance(text, Phrase) and "advice" in text.values else ""


def without_advice(error: ConnectorError) -> str:
    """What Fxiaoke said, where an advice stands behind it."""
    text = str(error)
    return str(text.values["answer"]) if isinstance(text, Phrase) and "advice" in text.values else text


def until_midnight_s(now: dt.datetime) -> float:
    """Seconds until the calls are counted anew."""
    here = now.astimezone(_MIDNIGHT)
    midnight = dt.datetime.combine(here.date() + dt.timedelta(days=1), dt.time(), _MIDNIGHT)
    return (midnight - here).total_seconds()
