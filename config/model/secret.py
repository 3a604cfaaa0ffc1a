"""A value that never shows."""

from __future__ import annotations

import hmac
from typing import Final, NoReturn, Self

#: Texts from the environment may hold surrogate escapes; they compare like any other.
_AS_BYTES: Final = ("utf-8", "surrogateescape")


class Secret:
    """A text that never shows itself: `***` in `repr`, `str`, formats, logs and tracebacks.

    It is no `str` on purpose: `json.dumps` and `orjson.dumps` write what a subclass of `str` holds, and refuse this.
    It cannot be pickled either, so it never gets into a queue or a cache. `reveal()` belongs at the one place that
    sends it. Equality takes the same time wherever two secrets differ; a plain text never equals a secret.
    """

    __slots__ = ("_text",)
    _text: str

    def __init__(self, text: str = "") -> None:
        object.__setattr__(self, "_text", text)

    def reveal(self) -> str:
        """The text itself, as a plain `str`."""
        return self._text

    def __repr__(self) -> str:
        return "***"

    def __format__(self, spec: str) -> str:
        # The width of a format would be kept, its content never.
        return format("***", spec)

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._text.encode(*_AS_BYTES), other._text.encode(*_AS_BYTES))

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a Secret does not change")

    def __delattr__(self, name: str) -> None:
        raise AttributeError("a Secret does not change")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not pickled: pass the name of its connection and load the configuration there")


NO_SECRET: Final = Secret()
