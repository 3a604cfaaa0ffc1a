"""The error taxonomy of everything that talks to another system: errors say what to do.

Each class answers one question, *what may happen next?*, and `sync/desk/outcomes.py` holds the one table
that turns the class into RETRY, RECONCILE, PARK or PAUSE. The class docstring is the default message.
No error text may carry a secret: `connectors/kit/http.py` redacts before it raises.
"""

from __future__ import annotations

from typing import ClassVar


class ConnectorError(Exception):
    """The other system could not be used."""

    def __init__(self, message: str | None = None, *, code: str = "", status: int | None = None) -> None:
        """Keep the vendor's own machine-readable `code` and the HTTP `status`, both for the issue's fingerprint."""
        super().__init__(message or (type(self).__doc__ or "").strip())
        self.code = code
        self.status = status


class Transient(ConnectorError):
    """The other system is away for the moment; nothing was written, the same call may be made again later."""


class RateLimited(Transient):
    """The other system asks us to slow down; the whole connection waits, not only this document."""

    def __init__(
        self,
        message: str | None = None,
        *,
        retry_after_s: float,
        asked_s: float | None = None,
        code: str = "",
        status: int | None = 429,
    ) -> None:
        """`retry_after_s` is already clamped to what we are willing to wait (1 s to 1 h); `asked_s` is what was named.

        `code` is `OWN_RATE` where nobody over there asked for anything.
        """
        super().__init__(message, code=code, status=status)
        self.retry_after_s = retry_after_s
        self.asked_s = asked_s

    #: The limit that this connection's configuration sets, and no word of the other system.
    OWN_RATE: ClassVar[str] = "throttle"


class ConnectionBroken(ConnectorError):
    """A person must act (credentials, rights, address); the connection pauses and its documents wait."""


class RecordRejected(ConnectorError):
    """The other system refuses this one document and will refuse it again until it is changed.

    `rolled_back` is true only where the refusal itself proves that nothing of the call was kept.
    """

    def __init__(
        self,
        message: str | None = None,
        *,
        field: str = "",
        code: str = "",
        status: int | None = None,
        rolled_back: bool = True,
    ) -> None:
        """`field` is the vendor's field name where the refusal names one."""
        super().__init__(message, code=code, status=status)
        self.field = field
        self.rolled_back = rolled_back


class AlreadyExists(RecordRejected):
    """The key of this document is taken: look the document up by its key and continue from there."""


class Locked(RecordRejected):
    """Its people have this document under approval, or locked it; nothing was written, and it opens over there."""


class OutcomeUnknown(ConnectorError):
    """A write may have happened. Look it up by its key after the settle time; never send it again blindly."""
