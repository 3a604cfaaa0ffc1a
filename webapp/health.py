"""Whether the process lives, and whether it can do its work."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify
from sqlalchemy.exc import SQLAlchemyError

from sync.store.migrate import schema_problem
from sync.work.receive import NotStored, RowRefused
from webapp.parts import Parts, parts

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> Response:
    """The process answers; for a supervisor that restarts what does not."""
    return jsonify(status="ok")


@blueprint.get("/readyz")
def readyz() -> Response:
    """Whether deliveries can be stored, for a load balancer: 200 `ready` or `degraded` (works, slower), 503 `unready`.

    A queue that is away only degrades: deliveries are stored, and the dispatcher rings when it is back.
    """
    ours = parts()
    checks = {"database": _database(ours), "schema": _schema(ours), "writer": _writer(ours), "queue": _queue(ours)}
    able = all(checks[name]["ok"] for name in ("database", "schema", "writer"))
    status = "unready" if not able else "ready" if checks["queue"]["ok"] else "degraded"
    response = jsonify(status=status, checks=checks)
    response.status_code = 200 if able else 503
    return response


def _database(ours: Parts) -> dict[str, Any]:
    """Goes the way of a delivery, through the writer thread, and so starts that one again when it died."""
    try:
        ours.receiver.prove()
    except (NotStored, RowRefused) as error:
        return {"ok": False, "message": f"the database cannot be written: {error}"}
    return {"ok": True}


def _schema(ours: Parts) -> dict[str, Any]:
    try:
        problem = schema_problem(ours.store)
    except SQLAlchemyError as error:
        # The class alone: the text holds the statement and may hold the server's address.
        return {"ok": False, "message": f"the schema cannot be read: {type(error).__name__}"}
    return {"ok": not problem, "message": problem} if problem else {"ok": True}


def _writer(ours: Parts) -> dict[str, Any]:
    status = ours.receiver.status()
    answer: dict[str, Any] = {"ok": status.alive, "restarts": status.restarts}
    if status.last_error:
        answer["message"] = f"the writer thread was started again after {status.last_error}"
    return answer


def _queue(ours: Parts) -> dict[str, Any]:
    if ours.queue_answers():
        return {"ok": True}
    return {"ok": False, "message": "the queue is away: deliveries are stored and will be worked off when it is back"}
