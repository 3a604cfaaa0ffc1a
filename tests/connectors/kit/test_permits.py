"""A write that waited too long is not sent, however deep in a connector it waits."""

import threading

import pytest

from connectors.kit.http import HttpClient
from connectors.kit.permits import writes_need
from connectors.sandbox.exchange import Request, Response, json_response
from connectors.sandbox.server import serve

pytestmark = pytest.mark.loopback


class TooLateError(Exception):
    """What the caller's check raises."""


def refuse():
    raise TooLateError


@pytest.fixture
def seen():
    return []


@pytest.fixture
def client(seen):
    def app(request: Request) -> Response:
        seen.append(request.method)
        return json_response({})

    with serve(app) as server:
        client = HttpClient(server.url, allow_hosts=("127.0.0.1",))
        yield client
        client.close()


def test_a_write_without_leave_is_not_sent_and_a_read_is(client, seen):
    with writes_need(refuse):
        client.get("/thing")
        with pytest.raises(TooLateError):
            client.request("POST", "/thing", json={})
    assert seen == ["GET"]


def test_leave_is_asked_for_in_the_thread_that_writes_and_ends_with_its_block(client, seen):
    with writes_need(refuse):
        other = threading.Thread(target=lambda: client.request("POST", "/thing", json={}))
        other.start()
        other.join()
    client.request("PUT", "/thing", json={})
    assert seen == ["POST", "PUT"]
