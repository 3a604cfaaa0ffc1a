"""A server that answers what another one answered before: `python -m tests.benchmarks.replay URL`.

Only for reading: an answer is kept by the path and the query, without what signs them. It takes the other system's own
work out of a measurement, which is about the one who asks.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import sys
from urllib.parse import urlsplit

from connectors.sandbox.exchange import Response
from connectors.sandbox.server import Server, run_until_stopped

_NEW_EACH_TIME = ("oauth_", "_nocache")
_OF_ONE_CONNECTION = {"connection", "transfer-encoding", "content-length"}


def replaying(url):
    host = urlsplit(url).netloc
    kept = {}

    def answer(request):
        key = (request.path, tuple(pair for pair in request.query if not pair[0].startswith(_NEW_EACH_TIME)))
        if key not in kept:
            kept[key] = ask(host, request)
        return kept[key]

    return answer


def ask(host, request):
    """With the header `Host` as it came, because a signature covers it."""
    with contextlib.closing(http.client.HTTPConnection(host, timeout=60)) as connection:
        connection.request(request.method, request.target, headers=dict(request.headers))
        answer = connection.getresponse()
        passed = [(name, value) for name, value in answer.getheaders() if name.lower() not in _OF_ONE_CONNECTION]
        return Response(answer.status, answer.read(), tuple(passed))


def main():
    server = Server(replaying(sys.argv[1]), name="replay")

    def ready(_server):
        sys.stdout.write(f"{json.dumps({'url': server.url})}\n")
        sys.stdout.flush()

    run_until_stopped(server, ready)


if __name__ == "__main__":
    main()
