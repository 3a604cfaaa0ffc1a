"""Taking goods out of what waits to be sent takes several calls: what is said when one of them in the middle fails."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from connectors.kit.errors import ConnectorError, OutcomeUnknown, RecordRejected
from connectors.kit.words import say


@contextlib.contextmanager
def taking_out() -> Iterator[None]:
    """Between the calls nobody is told what the earlier ones did: what stops in the middle has begun."""
    try:
        yield
    except OutcomeUnknown:
        raise
    except RecordRejected as refusal:
        text = say("taken out of the shipment in part, then refused: %(refusal)s", refusal=refusal)
        raise RecordRejected(text, code=refusal.code, status=refusal.status) from None
    except ConnectorError as error:
        text = say("taken out of the shipment in part: %(error)s", error=error)
        raise OutcomeUnknown(text, code=error.code, status=error.status) from None
