"""Whether a delivery was signed by somebody who knows a secret: HMAC-SHA256, written as the options say."""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import hmac
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from connectors.kit.base import SignatureInvalid
from connectors.kit.errors import ConnectionBroken
from connectors.kit.options import Options
from connectors.kit.words import say

OPTIONS: Final = frozenset(
    {"signature_header", "signature_encoding", "signature_prefix", "signs", "timestamp_header", "timestamp_tolerance_s"}
)
BODY: Final = "{body}"
TIMESTAMP: Final = "{timestamp}"
_TOLERANCE_S: Final = 300
#: Beyond it a number counts milliseconds: as seconds it would be the year 5138.
_MOST_SECONDS: Final = 100_000_000_000


@dataclasses.dataclass(frozen=True, slots=True)
class Signature:
    """How one system signs."""

    header: str
    #: `hex` or `base64`.
    encoding: str
    #: Stands before the signature in its header, such as `sha256=`.
    prefix: str
    #: What is signed: the text before the body's place, with `{timestamp}` in it, and the one behind it.
    before: str
    behind: str
    #: Empty where nothing says when it was signed.
    timestamp_header: str
    tolerance_s: int

    def verify(
        self, body: bytes, headers: Mapping[str, str], secrets: Sequence[str], now: Callable[[], dt.datetime]
    ) -> None:
        """Raises SignatureInvalid. Every secret is tried to the end, so the time tells nothing."""
        named = {name.lower(): value for name, value in headers.items()}
        timestamp = named.get(self.timestamp_header.lower(), "") if self.timestamp_header else ""
        given = self._comparable(named.get(self.header.lower(), ""))
        before, behind = (text.replace(TIMESTAMP, timestamp).encode("utf-8", "replace") for text in self._around)
        matches = [
            hmac.compare_digest(self._written(hmac.digest(secret.encode(), before + body + behind, "sha256")), given)
            for secret in secrets
        ]
        if not any(matches) or (self.timestamp_header and not self._is_recent(timestamp, now())):
            raise SignatureInvalid

    @property
    def _around(self) -> tuple[str, str]:
        return self.before, self.behind

    def _comparable(self, value: str) -> bytes:
        """What the header gives without its prefix; empty, which nothing equals, where it has another."""
        if not value.startswith(self.prefix):
            return b""
        signature = value[len(self.prefix) :]
        # Hexadecimal digits mean the same in either case.
        return (signature.lower() if self.encoding == "hex" else signature).encode("utf-8", "replace")

    def _written(self, digest: bytes) -> bytes:
        return digest.hex().encode() if self.encoding == "hex" else base64.b64encode(digest)

    def _is_recent(self, timestamp: str, now: dt.datetime) -> bool:
        signed_at = _moment(timestamp)
        return signed_at is not None and abs((now - signed_at).total_seconds()) <= self.tolerance_s


def read_signature(options: Options) -> Signature:
    """By a connection's options. Raises ConnectionBroken naming what cannot be."""
    timestamp_header = options.text("timestamp_header")
    usual = f"{TIMESTAMP}.{BODY}" if timestamp_header else BODY
    signs = options.text("signs", usual)
    # A time that is not signed can be changed by whoever repeats a delivery, and so would protect from nothing.
    if signs.count(BODY) != 1 or (TIMESTAMP in signs) != bool(timestamp_header):
        expected = say(
            "option 'signs' must have {body} once, and {timestamp} exactly where 'timestamp_header' is set: %(usual)s",
            usual=usual,
        )
        raise ConnectionBroken(expected, code="option")
    before, behind = signs.split(BODY)
    return Signature(
        header=options.text("signature_header", "X-Signature"),
        encoding=options.one_of("signature_encoding", ("hex", "base64"), "hex"),
        prefix=options.text("signature_prefix"),
        before=before,
        behind=behind,
        timestamp_header=timestamp_header,
        tolerance_s=options.whole("timestamp_tolerance_s", _TOLERANCE_S, 1, 86_400),
    )


def _moment(text: str) -> dt.datetime | None:
    """Seconds or milliseconds since 1970, or ISO 8601 with a zone; None for anything else."""
    try:
        if text.isascii() and text.isdigit() and len(text) <= 15:  # noqa: PLR2004 - of milliseconds, for 30,000 years
            number = int(text)
            return dt.datetime.fromtimestamp(number / 1000 if number > _MOST_SECONDS else number, dt.UTC)
        moment = dt.datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        return None
    return moment if moment.tzinfo is not None else None
