"""How gunicorn serves us: `gunicorn -c python:webapp.gunicorn "webapp.app:create_app()"`.

The names are gunicorn's settings and hooks (https://docs.gunicorn.org/en/stable/settings.html).
"""

from __future__ import annotations

import gc
import sys
from typing import Any

import structlog
from gunicorn.arbiter import Arbiter  # type: ignore[import-untyped]  # it has none

from config.logging import configure_logging
from config.problems import ConfigError
from config.settings import Settings

log = structlog.get_logger(__name__)
_settings = Settings.from_env()

_host = f"[{_settings.web_host}]" if ":" in _settings.web_host else _settings.web_host
bind = f"{_host}:{_settings.web_port}"
worker_class = "webapp.impatient.ImpatientWorker"
workers = _settings.web_processes
#: Every waiting delivery keeps one; a group commit answers many at once, so they wait for milliseconds.
threads = _settings.web_threads
#: Before the fork there must be neither a thread nor a database connection.
preload_app = False
#: A worker that does not move for so long is killed; no request of ours may take as long.
timeout = 30
graceful_timeout = 20
keepalive = 15
backlog = 512
#: What no webhook and no browser exceeds.
limit_request_line = 4094
limit_request_fields = 64
limit_request_field_size = 8190
#: Forwarding headers are read by ProxyFix, by the number of hops; gunicorn itself believes nobody.
forwarded_allow_ips = ""
server_header = False
accesslog = None
#: Its control socket lies in the user's home, where several installations would take it from each other.
control_socket_disable = True
loglevel = _settings.log_level
#: gunicorn's own lines go where ours go.
logconfig_dict = {
    "version": 1,
    "disable_existing_loggers": False,
    "root": {"handlers": []},
    "handlers": {},
    "formatters": {},
    "loggers": {
        "gunicorn.error": {"level": _settings.log_level.upper(), "handlers": [], "propagate": True},
        "gunicorn.access": {"level": "WARNING", "handlers": [], "propagate": True},
    },
}


def on_starting(_server: Any) -> None:
    """The arbiter logs like the rest."""
    configure_logging(_settings, "web")


def post_fork(_server: Any, _worker: Any) -> None:
    """Nothing that the application imports is garbage: looking for some takes a fifth of its start."""
    gc.disable()


def post_worker_init(worker: Any) -> None:
    """Open the database now: what is wrong with it shows at the start, and the first delivery need not wait."""
    # Here and not above: the arbiter would carry the whole application, too.
    from webapp.parts import LazyParts  # noqa: PLC0415

    redactor = configure_logging(_settings, "web")
    lazy: LazyParts = worker.wsgi.extensions[LazyParts.KEY]
    try:
        ours = lazy.get()
    except ConfigError as error:
        for problem in str(error).splitlines():
            log.critical("configuration_refused", problem=problem)
        # The status by which the arbiter knows that starting the worker again is no use.
        sys.exit(Arbiter.APP_LOAD_ERROR)
    redactor.add(ours.secrets)
    ours.receiver.start()
    if ours.alerts is not None:
        ours.alerts.start()
    # What is there now stays; a request need not wait until all of it has been looked through again.
    gc.freeze()
    gc.enable()


def worker_exit(_server: Any, worker: Any) -> None:
    """Commit what waits and give the connections back."""
    from webapp.parts import LazyParts  # noqa: PLC0415

    if worker.wsgi is not None:
        worker.wsgi.extensions[LazyParts.KEY].close()
