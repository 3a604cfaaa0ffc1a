"""Where shops post to. Verify, store, answer: what a delivery means is found out later, from the database."""

from __future__ import annotations

import time
from typing import NoReturn

import structlog
from flask import Blueprint, Response, abort, request
from requests.structures import CaseInsensitiveDict
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, ServiceUnavailable

from connectors.kit.base import Delivery, SignatureInvalid
from sync.work.receive import NotStored, RowRefused
from webapp.parts import Parts, parts

log = structlog.get_logger(__name__)
blueprint = Blueprint("webhooks", __name__, url_prefix="/webhooks")

#: After a delivery that cannot be read whole, and before whose signature therefore nobody can be believed, the
#: connection is polled; but not more often than this, so that strangers cannot have a shop polled without end.
POLL_PAUSE_S = 10.0
#: What a sender that honours Retry-After should wait when the database is busy.
RETRY_AFTER_S = 5


@blueprint.post("/<connection>")
def receive(connection: str) -> Response:
    """2xx only when the delivery is durable; 401 not verified, 413 too large, 503 come again, 500 cannot be stored."""
    ours = parts()
    if connection in ours.misconfigured:
        # Nobody can say whether it is genuine; whoever sends it is to come again when somebody can.
        log.error("delivery_not_verifiable", connection=connection)
        raise ServiceUnavailable(retry_after=RETRY_AFTER_S)
    try:
        body = _whole_body()
    except RequestEntityTooLarge:
        _poll_instead(ours, connection)
        raise
    try:
        delivery = _verify(ours, connection, body)
    except SignatureInvalid:
        log.warning("delivery_unverified", connection=_known(ours, connection), size=len(body))
        abort(401)
    if delivery.ping or delivery.ignored:
        return Response(status=200)
    try:
        ours.receiver.receive(connection, delivery, body)
    except NotStored as error:
        _refuse_for_now(connection, delivery, error)
    except RowRefused:
        abort(500)
    if delivery.problem:
        log.warning("delivery_unreadable", connection=connection, topic=delivery.topic, problem=delivery.problem)
    log.debug("delivery_stored", connection=connection, topic=delivery.topic, external_id=delivery.external_id)
    return Response(status=202)


def _verify(ours: Parts, connection: str, body: bytes) -> Delivery:
    """The verified delivery. Raises SignatureInvalid.

    For a connection that does not exist another one's verifier does the work: answer and time are those of a wrong
    signature, or of an unsigned ping, and tell nobody which connections there are.
    """
    verifier = ours.sources.get(connection) or next(iter(ours.sources.values()), None)
    if verifier is None:
        raise SignatureInvalid
    # HTTP's names know no case, and each vendor's page writes them in its own.
    delivery = verifier.verify_webhook(body, CaseInsensitiveDict(request.headers.items()))
    if connection not in ours.sources and not delivery.ping:
        raise SignatureInvalid
    return delivery


def _whole_body() -> bytes:
    """The bytes as they were signed. Raises RequestEntityTooLarge, BadRequest; never answers a part of them."""
    body = request.get_data(cache=False)
    if request.content_length is None:
        # A chunked body is cut off at the limit in silence; only reading on tells.
        request.stream.read(1)
    elif len(body) != request.content_length:
        raise BadRequest
    return body


def _refuse_for_now(connection: str, delivery: Delivery, error: NotStored) -> NoReturn:
    log.error("delivery_not_stored", connection=connection, external_id=delivery.external_id, reason=str(error))
    raise ServiceUnavailable(retry_after=RETRY_AFTER_S)


def _known(ours: Parts, connection: str) -> str:
    """The name as it may be logged: a stranger does not write our log."""
    return connection if connection in ours.sources else "(unknown)"


def _poll_instead(ours: Parts, connection: str) -> None:
    """What did not fit is fetched."""
    now = time.monotonic()
    if connection not in ours.sources or ours.polled_until.get(connection, 0.0) > now:
        return
    ours.polled_until[connection] = now + POLL_PAUSE_S
    log.warning("delivery_too_large", connection=connection, size=request.content_length)
    try:
        ours.receiver.poll_at_once(connection)
    except (NotStored, RowRefused) as error:
        # The sender hears 413 all the same, and the next scheduled poll finds the order.
        log.warning("poll_not_asked_for", connection=connection, reason=str(error))
