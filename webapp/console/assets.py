"""Styles and scripts: from our own files, under addresses that change with their content."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path
from typing import Final

from flask import Blueprint, Flask, Response, send_from_directory, url_for

FOLDER: Final = Path(__file__).parent.parent / "static"
blueprint = Blueprint("assets", __name__)


def register(app: Flask) -> None:
    """Serve them, and let templates name them with `asset('console.css')`."""
    app.register_blueprint(blueprint)
    app.jinja_env.globals["asset"] = asset


@blueprint.get("/static/<path:name>")
def file(name: str) -> Response:
    """One file. Everybody may read it: it is the same in every installation."""
    response = send_from_directory(FOLDER, name)
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return response


@functools.cache
def _version(name: str) -> str:
    return hashlib.sha256((FOLDER / name).read_bytes()).hexdigest()[:12]


def asset(name: str) -> str:
    """The address of a file in its present version."""
    return url_for("assets.file", name=name, v=_version(name))
