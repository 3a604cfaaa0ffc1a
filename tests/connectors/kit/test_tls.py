"""TLS fails closed: no switch turns the check off, a certificate authority of one's own is named in ca_file."""

from __future__ import annotations

import http.server
import shutil
import ssl
import subprocess
import threading

import pytest

from connectors.kit.errors import ConnectionBroken
from connectors.kit.http import HttpClient
from tests.shared import PATIENCE_S, unavailable

pytestmark = pytest.mark.loopback

_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout")
_TWO_DAYS = ("-days", "2")
_SIGNS = ("-addext", "keyUsage=keyCertSign")


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """A certificate authority, and a maker of server certificates signed by it (or by themselves)."""
    openssl = shutil.which("openssl")
    if openssl is None:
        unavailable("openssl is not installed; it makes the certificates of this test")
    folder = tmp_path_factory.mktemp("tls")

    def run(*arguments):
        subprocess.run([openssl, *arguments], cwd=folder, check=True, capture_output=True)

    def make(name, host, *, days="2", own=False):
        run("req", *_KEY, f"{name}.key", "-out", f"{name}.csr", "-subj", "/CN=x")
        (folder / f"{name}.ext").write_text(f"subjectAltName=DNS:{host}\n")
        signer = ["-signkey", f"{name}.key"] if own else ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"]
        run(
            "x509",
            "-req",
            "-in",
            f"{name}.csr",
            *signer,
            "-out",
            f"{name}.pem",
            "-extfile",
            f"{name}.ext",
            "-days",
            days,
        )
        return folder / f"{name}.pem", folder / f"{name}.key"

    run("req", "-x509", *_KEY, "ca.key", "-out", "ca.pem", *_TWO_DAYS, "-subj", "/CN=Test", *_SIGNS)
    return folder / "ca.pem", make


@pytest.fixture
def serve():
    """HTTPS servers on loopback, closed with the test."""
    running = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            self.server.seen.append(self.headers["Host"])
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *args):
            pass

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request, client_address):
            """A client that refuses our certificate is what these tests are about."""

    def start(pair):
        server = Server(("127.0.0.1", 0), Handler)
        server.seen, server.names = [], []
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*pair)
        context.sni_callback = lambda _socket, name, _context: server.names.append(name)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        running.append(server)
        return server

    yield start
    for server in running:
        server.shutdown()
        server.server_close()


def call(server, host="shop.example", **options):
    client = HttpClient(
        f"https://{host}:{server.server_address[1]}",
        resolver=lambda _host, _port: ["127.0.0.1"],
        allow_hosts=["127.0.0.1"],
        deadline_s=PATIENCE_S,
        **options,
    )
    try:
        return client.get("x").data
    finally:
        client.close()


def test_the_name_is_checked_although_the_address_is_pinned(authority, serve):
    ca_file, make = authority
    server = serve(make("good", "shop.example"))
    assert call(server, ca_file=str(ca_file)) == {}
    assert server.names == ["shop.example"]
    assert server.seen == [f"shop.example:{server.server_address[1]}"]


@pytest.mark.fault("B18")
@pytest.mark.parametrize(
    ("certificate", "reason"),
    [
        ({"name": "wrong", "host": "other.example"}, "Hostname mismatch|doesn't match"),
        ({"name": "old", "host": "shop.example", "days": "-1"}, "expired"),
        ({"name": "own", "host": "shop.example", "own": True}, "self-signed|self signed|unable to get local issuer"),
    ],
    ids=["another host", "expired", "signed by itself"],
)
def test_a_certificate_that_is_not_valid_breaks_the_connection(authority, serve, certificate, reason):
    ca_file, make = authority
    server = serve(make(**certificate))
    with pytest.raises(ConnectionBroken, match=reason) as caught:
        call(server, ca_file=str(ca_file))
    assert caught.value.code == "certificate"
    assert server.seen == []


@pytest.mark.fault("B18")
def test_an_unknown_authority_breaks_the_connection_and_the_message_names_the_way_out(authority, serve):
    _ca_file, make = authority
    with pytest.raises(ConnectionBroken, match="ca_file"):
        call(serve(make("unknown", "shop.example")))
