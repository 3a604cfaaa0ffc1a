"""A small threaded HTTP/1.1 server for the sandboxes: keep-alive, loopback, able to break any reply.

`with serve(app) as server: requests.get(server.url)`. One thread per connection; a client's keep-alive pool decides
how many there are. The control routes under `/_sandbox/` are the server's own and never run into a fault:

    GET    /_sandbox/info            {"name", "settle_s", "pending_effects", "requests", ...}
    GET    /_sandbox/faults          every fault with seen/fired
    POST   /_sandbox/faults          one script or a list of them -> {"numbers": [..]}
    DELETE /_sandbox/faults[/{n}]    all, or one
    GET    /_sandbox/requests        the newest requests: method, target, status (null: none sent), fault kind
    DELETE /_sandbox/requests        forget them and start counting anew
    GET    /_sandbox/ledger?since=n  the ledger's entries
"""

from __future__ import annotations

import collections
import contextlib
import logging
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from connectors.sandbox.exchange import App, Handler, Request, Response, Router, json_response
from connectors.sandbox.faults import Effect, Fault, FaultPlan, FaultScriptError, Reply, made_up_reply
from connectors.sandbox.ledger import Ledger
from connectors.sandbox.wire import BadRequestError, read_request, write_broken, write_response

log = logging.getLogger(__name__)

_KEPT_REQUESTS = 2_000
_OWN_REPLY = frozenset({Reply.STATUS, Reply.HTML, Reply.EMPTY})


class Server:
    """Serves `app` on 127.0.0.1. Use `serve`, which also stops it."""

    def __init__(
        self,
        app: App,
        *,
        port: int = 0,
        name: str = "sandbox",
        plan: FaultPlan | None = None,
        ledger: Ledger | None = None,
        decide: Callable[[Request], Callable[[], Response]] | None = None,
    ) -> None:
        """`decide` is for apps that give ids before they commit.

        It is called when a request comes whose effect is to land later, and what it answers when the effect lands.
        Without it the app sees such a request only then.
        """
        self.name = name
        self._decide = decide
        self.plan = plan or FaultPlan()
        self.ledger = Ledger() if ledger is None else ledger  # an empty ledger is falsy
        self.control: Router[Handler] = Router()
        self._app = app
        self._listener = socket.create_server(("127.0.0.1", port), backlog=512)
        self._connections: set[socket.socket] = set()
        self._timers: set[threading.Timer] = set()
        # Re-entrant, because the signal handler that closes runs in the middle of whatever the main thread does.
        self._lock = threading.RLock()
        self._closed = threading.Event()
        #: Called before the app is asked: what happens over there meanwhile.
        self.before_each_answer: Callable[[], None] = lambda: None
        self._requests: collections.deque[dict[str, Any]] = collections.deque(maxlen=_KEPT_REQUESTS)
        self._request_count = 0
        self._add_control_routes()

    @property
    def port(self) -> int:
        """The port that was given or found."""
        return int(self._listener.getsockname()[1])

    @property
    def url(self) -> str:
        """`http://127.0.0.1:<port>`, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    def run(self) -> None:
        """Accept connections until `close`."""
        while not self._closed.is_set():
            try:
                connection, _address = self._listener.accept()
            except OSError:  # `close` shut the listener down
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._connections.add(connection)
            threading.Thread(target=self._converse, args=(connection,), name=f"{self.name}-http", daemon=True).start()

    def stop_accepting(self) -> None:
        """Make `run` return. Takes no lock, so a signal handler may call it."""
        self._closed.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Stop accepting, drop the kept connections and the effects that have not landed yet."""
        self.stop_accepting()
        self._listener.close()
        with self._lock:
            connections, timers = list(self._connections), list(self._timers)
        for timer in timers:
            timer.cancel()
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _converse(self, connection: socket.socket) -> None:
        try:
            with connection, connection.makefile("rb") as stream:
                while (request := read_request(stream, connection)) is not None:
                    if not self._answer(connection, request):
                        return
        except BadRequestError as error:
            log.info("%s: %s", self.name, error)
        except OSError:  # the client went away; that is its right
            return
        finally:
            with self._lock:
                self._connections.discard(connection)

    def _answer(self, connection: socket.socket, request: Request) -> bool:
        """Answer one request; whether the connection is kept."""
        close = request.headers.get("connection", "").lower() == "close"
        if request.target.startswith("/_sandbox/"):
            write_response(connection, self._controlled(request), without_body=False, close=close)
            return not close
        fault = self.plan.pick(request)
        response = self._take_effect(request, fault)
        broken = fault is not None and fault.reply is not Reply.DELAY and fault.reply not in _OWN_REPLY
        self._note(request, None if broken else response.status, fault)
        if fault is not None and broken:
            write_broken(connection, response, fault)
            return False
        write_response(connection, response, without_body=request.method == "HEAD", close=close)
        return not close

    def _take_effect(self, request: Request, fault: Fault | None) -> Response:
        """Run the app now, later or not at all; the reply that the client is meant to get."""
        if fault is None:
            return self._run_app(request)
        if fault.reply is Reply.DELAY:
            time.sleep(fault.hold_s)
        response = Response(500)
        if fault.happens is Effect.BEFORE:
            response = self._run_app(request)
        elif fault.happens is Effect.LATER:
            self._land_later(request, fault.after_s)
        return made_up_reply(fault) if fault.reply in _OWN_REPLY else response

    def _run_app(self, request: Request) -> Response:
        self.before_each_answer()
        return self._run(request, self._app)

    def _run(self, request: Request, app: App) -> Response:
        try:
            return app(request)
        except Exception:  # the border of the server: a defect of the app is a 500, as in any web server
            log.exception("%s: %s %s failed", self.name, request.method, request.target)
            return json_response({"code": "sandbox_defect", "message": "see the sandbox's log"}, 500)

    def _land_later(self, request: Request, after_s: float) -> None:
        came = time.monotonic()
        commit = None if self._decide is None else self._decide(request)

        def land() -> None:
            with self._lock:
                self._timers.discard(timer)
            # A stopped or starved sandbox must not break the settle bound that it declares.
            if time.monotonic() - came <= self.plan.settle_s + 0.5:
                self._run(request, self._app if commit is None else lambda _request: commit())
            else:
                log.warning("%s: %s %s came too late to land", self.name, request.method, request.target)

        timer = threading.Timer(after_s, land)
        timer.daemon = True
        with self._lock:
            self._timers.add(timer)
        timer.start()

    def _note(self, request: Request, status: int | None, fault: Fault | None) -> None:
        self._request_count += 1
        self._requests.append(
            {
                "method": request.method,
                "target": request.target,
                "status": status,
                "fault": fault.kind if fault else None,
            }
        )

    def _add_control_routes(self) -> None:
        self.control.add("GET", "/_sandbox/info", self._info)
        self.control.add("GET", "/_sandbox/faults", lambda _request: json_response(self.plan.report()))
        self.control.add("POST", "/_sandbox/faults", self._add_faults)
        self.control.add("DELETE", "/_sandbox/faults", self._remove_faults)
        self.control.add("DELETE", "/_sandbox/faults/{number}", self._remove_faults)
        self.control.add("GET", "/_sandbox/requests", lambda _request: json_response(list(self._requests)))
        self.control.add("DELETE", "/_sandbox/requests", self._forget_requests)
        self.control.add("GET", "/_sandbox/ledger", self._read_ledger)

    def _controlled(self, request: Request) -> Response:
        found = self.control.find(request.method, request.path)
        if found is None:
            return json_response({"error": f"no control route {request.method} {request.path}"}, 404)
        handler, segments = found
        try:
            return handler(request, **segments)
        except ValueError as error:  # FaultScriptError, no JSON, no number
            return json_response({"error": str(error)}, 400)

    def _info(self, _request: Request) -> Response:
        with self._lock:
            pending = len(self._timers)
        return json_response(
            {
                "name": self.name,
                "settle_s": self.plan.settle_s,
                "pending_effects": pending,
                "requests": self._request_count,
                "ledger_entries": self.ledger.count,
            }
        )

    def _add_faults(self, request: Request) -> Response:
        scripts = request.json()
        if not isinstance(scripts, list):
            scripts = [scripts]
        if not all(isinstance(script, dict) for script in scripts):
            raise FaultScriptError("a fault is a JSON object")
        return json_response({"numbers": [self.plan.add(**script) for script in scripts]}, 201)

    def _remove_faults(self, _request: Request, number: str | None = None) -> Response:
        self.plan.remove(None if number is None else int(number))
        return Response(204)

    def _forget_requests(self, _request: Request) -> Response:
        self._requests.clear()
        self._request_count = 0
        return Response(204)

    def _read_ledger(self, request: Request) -> Response:
        since = int(dict(request.query).get("since", "0"))
        return json_response(self.ledger.entries(since))


@contextlib.contextmanager
def serve(
    app: App, *, port: int = 0, name: str = "sandbox", plan: FaultPlan | None = None, ledger: Ledger | None = None
) -> Iterator[Server]:
    """Serve `app` in a thread of this process for the length of the `with` block."""
    with running(Server(app, port=port, name=name, plan=plan, ledger=ledger)) as server:
        yield server


@contextlib.contextmanager
def running(server: Server) -> Iterator[Server]:
    """Run a server in a thread of this process for the length of the `with` block."""
    thread = threading.Thread(target=server.run, name=f"{server.name}-accept", daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.close()
        thread.join(5)


def run_until_stopped(server: Server, on_ready: Callable[[Server], None]) -> None:
    """Serve in this thread until SIGTERM or SIGINT; `on_ready` tells the world the URL. For `python -m` and the CLI."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.stop_accepting())
    on_ready(server)
    server.run()
    server.close()
