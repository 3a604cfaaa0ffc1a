"""Idempotency keys: an unsafe call is done once, and whoever sends it again gets the answer of the first time."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Final

import structlog
from flask import Response, request

from sync.desk.tokens import Caller
from sync.store.answers import Answer, Standing, begin_answer, drop_answer, keep_answer
from sync.store.engine import DatabaseBusy
from webapp.api.problems import ApiProblem, invalid
from webapp.parts import parts

log = structlog.get_logger(__name__)

HEADER: Final = "Idempotency-Key"
#: Says of an answer that it is the one of an earlier call.
REPLAYED: Final = "Idempotency-Replayed"
_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")
_REFUSED: Final = 400


def once(caller: Caller, run: Callable[[], Response]) -> Response:
    """What `run` answers, or what it did the first time; without the header it always runs.

    A refusal has changed nothing, so it is not kept: the same key may be used again for the corrected request.
    """
    key = request.headers.get(HEADER)
    if key is None:
        return run()
    if not _KEY.fullmatch(key):
        raise invalid(HEADER, ascii(key), "1 to 255 visible ASCII characters, such as a UUID")
    store, token = parts().store, caller.token.id
    found = begin_answer(store, token, key, _hash())
    if isinstance(found, Answer):
        again = Response(found.body, status=found.status, mimetype="application/json")
        again.headers[REPLAYED] = "true"
        return again
    _demand_free(found)
    try:
        response = run()
    except BaseException:
        store.write(lambda c: drop_answer(c, token, key))
        raise
    if response.status_code >= _REFUSED:
        store.write(lambda c: drop_answer(c, token, key))
    else:
        _keep(token, key, Answer(response.status_code, response.get_data()))
    return response


def _demand_free(standing: Standing) -> None:
    if standing is Standing.OTHER:
        raise ApiProblem(
            422,
            "idempotency_key_reused",
            "This key was used for another request within the last 24 hours.",
            "Use a new key for each thing that is to be done; the same key only to repeat the same request.",
            field=HEADER,
        )
    if standing is Standing.RUNNING:
        raise ApiProblem(
            409,
            "idempotency_key_running",
            "The first request with this key is still being worked on.",
            "Send the same again in a moment.",
            headers={"Retry-After": "1"},
            field=HEADER,
        )


def _keep(token: int, key: str, answer: Answer) -> None:
    try:
        parts().store.write(lambda c: keep_answer(c, token, key, answer))
    except DatabaseBusy:
        # The work is done and the caller hears so; only who repeats it within two minutes is told to wait.
        log.warning("answer_not_kept")


def _hash() -> str:
    parts_of_it = (request.method, request.full_path)
    made = hashlib.sha256("\0".join(parts_of_it).encode("utf-8", "replace"))
    made.update(b"\0" + request.get_data(cache=True))
    return made.hexdigest()
