"""The web process: takes webhooks in, shows the console and says how it is.

`gunicorn -c python:webapp.gunicorn "webapp.app:create_app()"`
"""

from __future__ import annotations

import contextlib
import ipaddress
from collections.abc import Callable
from functools import partial

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from config.problems import ConfigError, Place, Problem
from config.settings import Settings
from webapp import api, console, files, health, metrics, protection, webhooks
from webapp.parts import LazyParts, Parts, build_parts

__all__ = ["create_app"]


def create_app(settings: Settings | None = None, *, make_parts: Callable[[], Parts] | None = None) -> Flask:
    """The WSGI application. `settings` default to the environment's, and so raise ConfigError.

    `make_parts` makes what the views work with; it is called with the first request, and so behind gunicorn's fork.
    """
    settings = settings or Settings.from_env()
    app = Flask(__name__, static_folder=None)
    _refuse_debug(app, settings)
    app.config.update(
        MAX_CONTENT_LENGTH=settings.max_body_bytes,
        TRUSTED_HOSTS=list(settings.trusted_hosts) or None,
    )
    app.extensions[LazyParts.KEY] = LazyParts(make_parts or partial(build_parts, settings))
    protection.protect(app)
    app.register_blueprint(webhooks.blueprint)
    app.register_blueprint(health.blueprint)
    app.register_blueprint(metrics.blueprint)
    files.register(app, settings)
    console.register(app, settings)
    api.register(app)
    if hops := settings.proxy_hops:
        # Only as many entries of X-Forwarded-* as proxies of ours wrote; the ones before them are the sender's word.
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]  # as Flask documents
    return app


def _refuse_debug(app: Flask, settings: Settings) -> None:
    """Flask's debug mode shows source and values to whoever makes an error happen. Raises ConfigError."""
    if not app.debug:
        return
    host = settings.web_host
    with contextlib.suppress(ValueError):
        host = "localhost" if ipaddress.ip_address(host).is_loopback else host
    if host != "localhost":
        expected = "no debug mode where other machines can reach this process"
        step = "unset it, or listen on 127.0.0.1 (CROSSDOCK_LISTEN)"
        raise ConfigError([Problem(Place("environment"), "FLASK_DEBUG", "debug mode", expected, step)])
