"""One line of JSON per event on stdout, for our own code and for every library, with nothing secret in it.

`configure_logging` is called once by each process; afterwards `structlog.get_logger()` and the standard library's
loggers write to the same stream. Texts that may not be shown are taken out here, behind everything that logs, as the
last net: no caller relies on it.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import logging
import math
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from decimal import Decimal
from pathlib import PurePath
from typing import Any, Final, Self, TextIO
from urllib.parse import unquote, urlsplit
from uuid import UUID

import structlog

from config.model import Secret
from config.settings import Settings

STARS: Final = "***"
#: Shorter texts would take ordinary words out of the log; a secret that short is not one.
MIN_SECRET_CHARS: Final = 6
#: Deeper values are shown as text: an event is a line for people, not a document.
_MAX_DEPTH: Final = 6
_SECRET_KEY = re.compile(
    r"(?i)passw|secret|(?<!lease_)token|api[_-]?key|consumer[_-]?key|authori[sz]ation|cookie|signature|credential|private[_-]?key"
)
#: What gives itself away in running text: the user part of a URL, a query parameter, an HTTP authorisation.
_IN_TEXT = (
    (re.compile(r"(?<=://)[^/\s@'\"]+(?=@)"), STARS),
    (
        re.compile(r"(?i)([?&](?:[a-z_]*(?:secret|token|signature|passw[a-z]*|key))=)[^&\s'\"#]+"),
        rf"\1{STARS}",
    ),
    (re.compile(r"(?i)\b(basic|bearer|token)(\s+)[a-z0-9+/=_.~-]{8,}"), rf"\1\2{STARS}"),
)
#: Chatty libraries, held back whatever level is asked for: their lines say nothing that ours do not say better.
_QUIET: Final = {"rq": logging.WARNING, "urllib3": logging.WARNING, "alembic": logging.WARNING}

Event = MutableMapping[str, Any]


class Redactor:
    """Takes secrets out of events: by name of the key, by known text, and by the look of URLs and headers."""

    def __init__(self, secrets: Iterable[Secret | str] = ()) -> None:
        self._known: re.Pattern[str] | None = None
        self._texts: set[str] = set()
        self.add(secrets)

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Knows what the settings hold."""
        return cls(
            [*_passwords(settings.database_url, settings.redis_url), settings.secret_key, settings.metrics_token]
        )

    def add(self, secrets: Iterable[Secret | str]) -> None:
        """Take these texts out of every later event; too short ones are left alone."""
        plain = (secret.reveal() if isinstance(secret, Secret) else secret for secret in secrets)
        self._texts |= {text for text in plain if len(text) >= MIN_SECRET_CHARS}
        # The longest first: where one secret begins with another, nothing of it may be left.
        ordered = sorted(self._texts, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def text(self, text: str) -> str:
        """The text without secrets."""
        if self._known is not None:
            text = self._known.sub(STARS, text)
        for pattern, replacement in _IN_TEXT:
            text = pattern.sub(replacement, text)
        return text

    def value(self, value: object, depth: int = 0) -> object:
        """The value as it may be written: plain JSON types, no secret, unknown objects as their redacted `repr`."""
        if value is None or isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
            return value
        if isinstance(value, str | Decimal | dt.date | PurePath | UUID):
            return self.text(str(value))
        if isinstance(value, bytes | bytearray):
            return f"<{len(value)} bytes>"
        if depth < _MAX_DEPTH:
            if isinstance(value, Mapping):
                return {self.text(str(key)): self._entry(str(key), entry, depth + 1) for key, entry in value.items()}
            if isinstance(value, list | tuple | set | frozenset):
                return [self.value(entry, depth + 1) for entry in value]
        return self.text(repr(value))

    def _entry(self, key: str, value: object, depth: int) -> object:
        if _SECRET_KEY.search(key) and value not in (None, "", True, False):
            return STARS
        return self.value(value, depth)

    def __call__(self, _logger: object, _method: str, event: Event) -> Event:
        """The structlog processor."""
        return {self.text(key): self._entry(key, value, 0) for key, value in event.items()}


class _Handler(logging.StreamHandler[TextIO]):
    """Writes lines, and goes on working when the disk is full or the reader has gone."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the standard library's name
        """Lose the line: reporting the failure on another stream would fail the same way."""


def configure_logging(
    settings: Settings, process: str, *, secrets: Iterable[Secret | str] = (), stream: TextIO | None = None
) -> Redactor:
    """Route everything that logs in this process to `stream` (default: stdout), one event a line.

    `process` names this process in each line. `secrets` are texts that must never show, beside those that `settings`
    holds; the returned redactor takes more of them later (`add`), when the configuration has been read.
    """
    stream = sys.stdout if stream is None else stream
    redactor = Redactor.of(settings)
    redactor.add(secrets)
    before: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    handler = _Handler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=before,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _named(process),
                # Plain tracebacks: the ones with local variables show what those hold.
                structlog.processors.format_exc_info,
                redactor,
                _renderer(settings.log_format, stream),
            ],
        )
    )
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(settings.log_level.upper())
    for name, level in _QUIET.items():
        logging.getLogger(name).setLevel(max(level, root.level))
    logging.captureWarnings(capture=True)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *before,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    return redactor


def _passwords(*urls: Secret) -> Iterator[str]:
    """What is secret in a URL, as written and as meant; the rest of it is worth reading in a log."""
    for url in urls:
        password = urlsplit(url.reveal()).password or ""
        yield from (password, unquote(password))


def _named(process: str) -> structlog.typing.Processor:
    def add_process(_logger: object, _method: str, event: Event) -> Event:
        event.setdefault("process", process)
        return event

    return add_process


class LineWriter:
    """Brings what other processes print into one stream: as JSON with the process in each line, or for people."""

    def __init__(self, stream: TextIO, settings: Settings, *, secrets: Iterable[Secret | str] = ()) -> None:
        """`secrets` are texts that no process may show, beside those that `settings` holds."""
        self._stream = stream
        self._redactor = Redactor.of(settings)
        self._redactor.add(secrets)
        self._console = _for_people(settings.log_format, stream)
        #: What the processes should write: `console` or `json`.
        self.log_format = "console" if self._console else "json"

    def write(self, process: str, line: bytes) -> None:
        """Write one line of a process; lost when the disk is full or the reader has gone, like every log line."""
        text = self._redactor.text(line.decode("utf-8", "backslashreplace").rstrip("\r\n"))
        if self._console:
            shown = f"{process:10} | {_visible(text)}"
        else:
            shown = json.dumps({**_event_of(text), "process": process})
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(shown + "\n")
            self._stream.flush()


def _event_of(text: str) -> dict[str, Any]:
    """A line of JSON as it is; anything else (a server's own words, a traceback) as the text of an event."""
    if text.startswith("{"):
        with contextlib.suppress(ValueError):
            event: dict[str, Any] = json.loads(text)
            return event
    return {"event": text, "level": "info", "timestamp": dt.datetime.now(tz=dt.UTC).isoformat()}


def _for_people(log_format: str, stream: TextIO) -> bool:
    return log_format == "console" or (log_format == "auto" and stream.isatty())


def _renderer(log_format: str, stream: TextIO) -> structlog.typing.Processor:
    if _for_people(log_format, stream):
        return _console_line
    # ASCII only: no line feed, terminal sequence or direction mark of a payload reaches a terminal or breaks a line.
    return structlog.processors.JSONRenderer(ensure_ascii=True, sort_keys=False)


def _console_line(_logger: object, _method: str, event: Event) -> str:
    """`12:31:07 info     drained  channel=shop orders=12`, then a traceback where there is one."""
    time = str(event.pop("timestamp", ""))[11:19]
    level, name = event.pop("level", ""), event.pop("event", "")
    event.pop("process", None)
    exception = event.pop("exception", "")
    pairs = " ".join(f"{_visible(key)}={_visible(value)}" for key, value in event.items())
    line = f"{time} {level:8} {_visible(name)}  {pairs}".rstrip()
    return line + "".join(f"\n    {_visible(row)}" for row in str(exception).splitlines())


def _visible(value: object) -> str:
    """On one line, with everything that a terminal would obey written as an escape."""
    text = value if isinstance(value, str) else repr(value)
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
