"""What the code under test logs, shown where a test fails."""

from __future__ import annotations

from typing import Final

import structlog

#: structlog's own tracebacks print every local variable: half of the time of a test of flows that fail on purpose.
_RENDERER: Final = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)


def log_plainly(logger_factory: object = None) -> None:
    """As structlog does by default, but with plain tracebacks; `logger_factory` says where to, by default stdout."""
    structlog.reset_defaults()
    processors = structlog.get_config()["processors"]
    structlog.configure(processors=[*processors[:-1], _RENDERER], cache_logger_on_first_use=False)
    if logger_factory is not None:
        structlog.configure(logger_factory=logger_factory)
