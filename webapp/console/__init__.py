"""The console: pages for people. `register` hangs them into the application.

A page is a module here with a `blueprint`, listed in PAGES; its overview is the endpoint `<name>.index`. Every view
says with `access.needs` who may see it; an application with one that does not say it is not made.
"""

from __future__ import annotations

from types import ModuleType
from typing import Final

from flask import Flask, request
from flask_wtf.csrf import CSRFProtect

from config.settings import Settings
from webapp.console import (
    access,
    account,
    activity,
    alerts,
    assets,
    catalogue,
    connections,
    cookies,
    correct,
    doctor,
    errors,
    home,
    imports,
    lookups,
    matches,
    navigation,
    need_life,
    needs,
    operations,
    order,
    order_facets,
    present,
    profiles,
    runs,
    signin,
    stock,
    texts,
    tokens,
    users,
    views,
    workbench,
)
from webapp.protection import for_machines

#: Every module with a page, in the order of their URLs in the documentation.
PAGES: Final[tuple[ModuleType, ...]] = (
    signin,
    home,
    needs,
    # With the blueprint of `needs`.
    need_life,
    # Both with the list in `orders`, whose blueprint they share.
    order,
    correct,
    order_facets,
    runs,
    views,
    imports,
    stock,
    matches,
    lookups,
    profiles,
    # With the list of channels, whose blueprint it shares.
    workbench,
    connections,
    alerts,
    operations,
    doctor,
    catalogue,
    account,
    activity,
    users,
    tokens,
)


def register(app: Flask, settings: Settings) -> None:
    """Add the console to `app`."""
    app.secret_key = settings.signing_key().reveal()
    app.session_interface = cookies.ConsoleCookies(settings)
    # The token is as long-lived as the session that it belongs to; a form may stay open over lunch.
    app.config.update(WTF_CSRF_TIME_LIMIT=None, WTF_CSRF_CHECK_DEFAULT=False)
    _protect_forms(app)
    texts.register(app)
    access.register(app)
    signin.register(app, settings)
    present.register(app)
    navigation.register(app)
    errors.register(app)
    assets.register(app)
    for blueprint in dict.fromkeys(page.blueprint for page in PAGES):
        app.register_blueprint(blueprint)
    access.demand_roles(app, {page.blueprint.name for page in PAGES})


def _protect_forms(app: Flask) -> None:
    """Demand the form's token of every address that is not for machines, whatever blueprint it belongs to.

    Flask-WTF's own hook looks its exemptions up for every delivery, which is a sixteenth of what one costs; this asks
    the path.
    """
    csrf = CSRFProtect(app)

    @app.before_request
    def demand_token() -> None:
        if not for_machines(request.path) and request.endpoint:
            csrf.protect()
