"""The JSON API: what the console can, for programs. `register` hangs it into the application, below /api/v1.

A resource is a module here with a `blueprint`, listed in BLUEPRINTS. Every view is declared with `routes.endpoint`,
which says what scope it takes; an application with one that does not say it is not made.
"""

from __future__ import annotations

from typing import Final

from flask import Flask

from webapp import protection
from webapp.api import (
    access,
    audit,
    corrections,
    issues,
    lookups,
    machinery,
    matches,
    problems,
    profiles,
    runs,
    sources,
    spec,
    stock,
    versions,
    views,
)
from webapp.api.routes import ApiBlueprint

BLUEPRINTS: Final[tuple[ApiBlueprint, ...]] = (
    spec.blueprint,
    # Both hang on that of the orders.
    *dict.fromkeys((corrections.blueprint, versions.blueprint)),
    issues.blueprint,
    matches.blueprint,
    runs.blueprint,
    views.blueprint,
    lookups.blueprint,
    profiles.blueprint,
    stock.blueprint,
    machinery.blueprint,
    audit.blueprint,
    sources.blueprint,
)


def register(app: Flask) -> None:
    """Add the API to `app`."""
    protection.shape_errors(app, "/api/", problems.answer)
    app.extensions[spec.KEY] = BLUEPRINTS
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint, url_prefix=spec.PREFIX)
    access.demand_scopes(app, "/api/")
