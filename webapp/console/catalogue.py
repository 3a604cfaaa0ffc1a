"""Errors: what each one means, why it comes and what to do; every issue links to its own."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from sync.desk.catalogue.book import chapters
from webapp.console.access import needs

blueprint = Blueprint("catalogue", __name__, url_prefix="/errors")


@blueprint.get("/")
@needs("viewer")
def index() -> ResponseReturnValue:
    """Every entry; the id is its anchor."""
    return render_template("console/catalogue.html", chapters=list(chapters()))
