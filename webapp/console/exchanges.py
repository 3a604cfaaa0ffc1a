"""Requests and responses as a page shows them: pretty and raw, no longer than a page can bear."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any, Final

from sync.rules.corrections import MISSING
from sync.store.bodies import dump_json

#: Characters of one body on a page; the whole is a download.
BODY_SHOWN: Final = 4000
#: Characters of one value in a table.
_VALUE: Final = 1000
#: A text, even one without its end; a sign; anything else between them.
_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[\]{},:]|[^\s\[\]{},:"]+', re.DOTALL)
_OPENING: Final = frozenset("[{")
_CLOSING: Final = frozenset("]}")
#: Deeper structures are not moved in any further.
_DEEPEST: Final = 20


@dataclasses.dataclass(frozen=True, slots=True)
class Body:
    """One body: as it was sent, and with one field a line where it is JSON."""

    raw: str
    pretty: str
    #: Characters of it all, as far as it is kept.
    size: int

    @property
    def cut(self) -> bool:
        """Whether the page does not show all of it."""
        return self.size > BODY_SHOWN


@dataclasses.dataclass(frozen=True, slots=True)
class Shown:
    """One exchange."""

    method: str
    url: str
    status: int | None
    seconds: float
    error: str
    request: Body
    response: Body
    request_headers: tuple[tuple[str, str], ...]
    response_headers: tuple[tuple[str, str], ...]

    @property
    def tone(self) -> str:
        """Of its badge."""
        return "info" if self.error == "dry run" else "bad" if self.error or (self.status or 0) >= 400 else "ok"  # noqa: PLR2004


def show(exchange: Mapping[str, Any]) -> Shown:
    """From an exchange as it is stored (`connectors.kit.exchanges.Exchange`)."""
    return Shown(
        method=str(exchange["method"]),
        url=str(exchange["url"]),
        status=exchange["status"],
        seconds=float(exchange["elapsed_s"]),
        error=str(exchange.get("error", "")),
        request=body(str(exchange["request_body"])),
        response=body(str(exchange["response_body"])),
        request_headers=tuple(exchange["request_headers"].items()),
        response_headers=tuple(exchange["response_headers"].items()),
    )


def value_shown(value: Any) -> str:
    """A value of a document, in so many characters as a table takes; empty where there is none."""
    if value is MISSING:
        return ""
    text = value if isinstance(value, str) else dump_json(value).decode()
    return text if len(text) <= _VALUE else f"{text[: _VALUE - 1]}\N{HORIZONTAL ELLIPSIS}"


def body(text: str) -> Body:
    """One body."""
    beginning = text[:BODY_SHOWN]
    return Body(beginning, pretty(beginning), len(text))


def pretty(text: str) -> str:
    """JSON with one field a line, otherwise character for character; anything else as it is.

    By its tokens and not through a parser: numbers stay as they were written, and JSON that was cut is shown too.
    """
    if text.lstrip()[:1] not in {"{", "["}:
        return text
    pieces: list[str] = []
    depth = 0
    before = ""
    for word in _TOKEN.findall(text):
        closes, opened = word in _CLOSING, before in _OPENING
        depth = max(0, depth - closes)
        # An empty object or list stays in one line.
        if before == "," or opened is not closes:
            pieces.append("\n" + "  " * min(depth, _DEEPEST))
        pieces.append(": " if word == ":" else word)
        depth += word in _OPENING
        before = word
    return "".join(pieces)
