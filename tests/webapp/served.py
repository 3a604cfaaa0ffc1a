"""The application as the tests have gunicorn serve it: everything is real but the shop's verifier.

`gunicorn -c python:webapp.gunicorn "tests.webapp.served:create_app()"`, with the settings in the environment.
"""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import socket
import subprocess
import sys
import time
from http.client import HTTPConnection, HTTPException

import webapp.app
from config.model import Config
from config.settings import Settings
from sync.rules.systems import Systems
from sync.store.engine import Store
from sync.work.bell import Bell
from sync.work.processes import die_with_parent
from sync.work.receive import Receiver
from tests.shared import PATIENCE_S, REPOSITORY, wait_until
from tests.webapp.shop import SignedShop
from webapp.parts import Parts

CHANNELS = {"shop": ("shop-de", "shop-at")}


def make_parts(settings, channels=CHANNELS):
    url, bell = settings.database_url.reveal(), Bell(settings.redis_url)
    config = Config(folder=settings.config_folder, connections={}, channels={})
    return Parts(
        store=Store.open(url),
        receiver=Receiver(url, channels, bell.ring),
        sources={"shop": SignedShop()},
        queue_answers=bell.is_reachable,
        settings=settings,
        config=config,
        systems=Systems(config),
        bell=bell,
        close_rest=bell.close,
    )


def create_app():
    settings = Settings.from_env()
    return webapp.app.create_app(settings, make_parts=lambda: make_parts(settings))


class Server:
    """gunicorn on a port of 127.0.0.1, from `start` to `stop` or `kill`."""

    def __init__(self, folder, database_url, *, app="tests.webapp.served:create_app()", **variables):
        self.folder = folder
        self.app = app
        self.variables = {
            "CROSSDOCK_STATE": str(folder),
            "CROSSDOCK_DATABASE": database_url,
            # Nobody listens there, unless a test says otherwise.
            "CROSSDOCK_REDIS": f"unix://{folder}/no.sock",
            "CROSSDOCK_LOG_FORMAT": "json",
            **variables,
        }
        self.process = None
        self.port = 0

    @property
    def log(self):
        return (self.folder / "web.log").read_text()

    def start(self):
        with socket.socket() as listener, (self.folder / "web.log").open("ab") as log:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            # While it was stopped, somebody's connection may have been given its port for a moment.
            wait_until(lambda: self._bound(listener), lambda: f"port {self.port} is taken")
            listener.listen(512)
            self.port = listener.getsockname()[1]
            command = [sys.executable, "-m", "gunicorn", "-c", "python:webapp.gunicorn"]
            self.process = subprocess.Popen(
                [*command, "--bind", f"fd://{listener.fileno()}", self.app],
                cwd=REPOSITORY,
                env={"PATH": os.environ["PATH"], **self.variables},
                pass_fds=[listener.fileno()],
                stdout=log,
                stderr=log,
                start_new_session=True,
                # A test that is killed leaves no server behind.
                preexec_fn=functools.partial(die_with_parent, os.getpid(), signal.SIGTERM),  # noqa: PLW1509
            )
        self._wait()
        return self

    def _bound(self, listener):
        with contextlib.suppress(OSError):
            listener.bind(("127.0.0.1", self.port))
            return True
        return False

    def _wait(self):
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until and self.process.poll() is None:
            with contextlib.suppress(OSError, HTTPException):
                if self.call("GET", "/healthz", timeout=2)[0] == 200:
                    return
            time.sleep(0.05)
        raise AssertionError(f"the web process did not come up:\n{self.log}")

    def connect(self, timeout=PATIENCE_S):
        return HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def call(self, method, path, body=None, headers=None, timeout=PATIENCE_S):
        """(status, headers, body) of one request on a connection of its own."""
        connection = self.connect(timeout)
        try:
            # Who is turned away may hear so before all of it is sent.
            with contextlib.suppress(BrokenPipeError):
                connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        finally:
            connection.close()

    def kill(self):
        """kill -9, the whole process group at once."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self):
        """Ask it to end, and see that it does."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
