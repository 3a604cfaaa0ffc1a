"""No secret leaves: distinctive ones stand wherever one may stand, a whole life passes, and none is found anywhere."""

from __future__ import annotations

import base64
import contextlib
import html
import os
import re
import socket
import subprocess
import sys
import tarfile
import time
import zlib
from collections import Counter
from pathlib import Path
from urllib.parse import quote_plus, urljoin

import pytest
import requests
from sqlalchemy import select
from sqlalchemy.engine import make_url

from config.model import Secret
from connectors.sandbox.woocommerce.generator import VARIETIES, Generator
from sync.desk import accounts
from sync.desk.backups import make_backup
from sync.store.audit import Actor
from sync.store.tables import metadata, work_items
from tests.databases import path_of_programs
from tests.shared import PATIENCE_S, REPOSITORY, THOROUGH
from tests.webapp.console.stage import staged

pytestmark = [
    pytest.mark.heavy,
    pytest.mark.loopback,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="command lines are read from /proc"),
]

#: Where it stands -> what stands there. Long and odd enough that none appears by chance, and some need escaping.
CANARIES = {
    "SHOP_KEY": "ck_canary7a1e40b2c9",
    "SHOP_SECRET": "cs_canary.93~ffe0-d21",
    "SHOP_WEBHOOK_SECRET": "wh_canary\"5b'88c3",
    "ERP_KEY": "erp_canary_61c7f0aa2e",
    "ALERT_TOKEN": "alert_canary_5e17ab20c4",
    "a file": "file_canary_0d94be7712",
    "the queue": "queue_canary_4471c0ffee",
    "the database": "db_canary_99d0b3e5a1",
    "CROSSDOCK_SECRET_KEY": "key_canary_" + "8e52" * 8,
    "CROSSDOCK_METRICS_TOKEN": "metrics_canary_2b7745d0",
    "a user": "user canary 55ad21 horse",
}
IN_ENVIRONMENT = ("SHOP_KEY", "SHOP_SECRET", "SHOP_WEBHOOK_SECRET", "ERP_KEY")
ECHO = "You sent Authorization"


def forms():
    """Every form in which a canary travels -> whose it is."""
    found = {}
    for name, value in CANARIES.items():
        others = [f"{first}:{value}" for first in CANARIES.values()]
        encoded = [base64.b64encode(text.encode()).decode().rstrip("=") for text in (value, *others)]
        for form in (value, quote_plus(value), value.encode().hex(), *encoded):
            found[form.encode()] = name
    return found


FORMS = forms()


def leaks(text):
    """Whose canaries stand in it."""
    data = text.encode() if isinstance(text, str) else text
    return sorted({name for form, name in FORMS.items() if form in data})


def unpacked(data):
    """It, and whatever in it is compressed."""
    yield data
    for found in re.finditer(rb"\x78[\x01\x9c\xda]", data):
        with contextlib.suppress(zlib.error):
            yield zlib.decompressobj().decompress(data[found.start() :], 10_000_000)


class Life:
    """Everything that was said: `heard` is where -> what."""

    def __init__(self, stage, valkey):
        self.stage, self.valkey, self.heard = stage, valkey, {}
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.listen = f"127.0.0.1:{probe.getsockname()[1]}"
        self.base = f"http://{self.listen}"
        stage.environment |= {
            "CROSSDOCK_LISTEN": self.listen,
            "CROSSDOCK_PUBLIC_URL": self.base,
            "CROSSDOCK_SECRET_KEY": CANARIES["CROSSDOCK_SECRET_KEY"],
            "CROSSDOCK_METRICS_TOKEN": CANARIES["CROSSDOCK_METRICS_TOKEN"],
            "CROSSDOCK_LOG_LEVEL": "debug",
        }
        (stage.folder / "config" / "secret.txt").write_text(CANARIES["a file"])
        config = stage.folder / "config" / "crossdock.yaml"
        # The first shop's webhooks are signed with either: one of the environment, one of a file.
        own = '["${env:SHOP_WEBHOOK_SECRET}", "${file:secret.txt}"]'
        config.write_text(config.read_text().replace('["${env:SHOP_WEBHOOK_SECRET}"]', own))

    def sell(self):
        for seed, (_, app) in enumerate(self.stage.shops.values()):
            shop = Generator(app.shop, seed=seed, variety=VARIETIES["demo"])
            shop.backlog(5, days=1)
            for plant in ("unknown_sku", "over_limit"):
                shop.plant(plant)

    def quarrel(self):
        """Both sides answer with what they were sent, as a talkative proxy does."""
        pair = f"{CANARIES['SHOP_KEY']}:{CANARIES['SHOP_SECRET']}"
        basic = f"<p>{ECHO}: Basic {base64.b64encode(pair.encode()).decode()} {pair} {quote_plus(pair)}</p>"
        for server, _ in self.stage.shops.values():
            server.plan.add(kind="status", status=500, method="GET", path="/wp-json/wc/v3/orders*", body=basic, nth=2)
        bearer = f'{{"error": "{ECHO}: Bearer {CANARIES["ERP_KEY"]}"}}'
        self.stage.erp.server.plan.add(kind="status", status=400, method="POST", path="/api/sales", body=bearer)
        self.stage.erp.server.plan.add(
            kind="commit_then_status", status=502, method="POST", path="/api/sales", nth=2, body=bearer
        )

    @contextlib.contextmanager
    def running(self):
        """`crossdock run`: web, workers and scheduler."""
        log = self.stage.folder / "run.log"
        environment = {"PATH": os.environ["PATH"], **self.stage.environment}
        command = [sys.executable, "-m", "sync.cli", "run"]
        with log.open("wb") as file:
            process = subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdout=file, stderr=file)
        try:
            yield
        finally:
            self.heard["command lines"] = self.command_lines()
            process.terminate()
            process.wait(PATIENCE_S)
            self.heard["log"] = log.read_bytes()

    def command_lines(self):
        """Of everything that runs in our environment."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdecimal() and int(entry.name) != os.getpid():
                with contextlib.suppress(OSError):
                    if f"CROSSDOCK_LISTEN={self.listen}".encode() in (entry / "environ").read_bytes():
                        found.append((entry / "cmdline").read_bytes())
        return b"\n".join(found)

    def wait(self, until, what):
        deadline = time.monotonic() + PATIENCE_S
        while not until():
            assert time.monotonic() < deadline, f"{what}\n{(self.stage.folder / 'run.log').read_text()[-3000:]}"
            time.sleep(0.2)

    def is_up(self):
        with contextlib.suppress(requests.RequestException):
            return requests.get(f"{self.base}/healthz", timeout=2).ok
        return False

    def states(self):
        with self.stage.runtime() as runtime:
            return {
                row.external_id: row.state for row in runtime.store.read(lambda c: list(c.execute(select(work_items))))
            }

    def command(self, *arguments):
        self.heard[f"crossdock {' '.join(arguments)}"] = self.stage.command(*arguments)

    def database(self):
        """Every row as it is stored; password hashes are what a password is kept as."""
        rows = []
        with self.stage.runtime() as runtime:
            for table in metadata.sorted_tables:
                found = runtime.store.read(lambda c, table=table: list(c.execute(select(table))))
                for row in found:
                    rows += [
                        part
                        for value in row
                        for part in unpacked(value if isinstance(value, bytes) else str(value).encode())
                    ]
        files = [path for path in self.stage.folder.glob("crossdock.db*") if path.is_file()]
        return b"\n".join([*rows, *(path.read_bytes() for path in files)])

    def backup(self):
        """All that is in the file; a key of the installation must not be, or who finds one could sign for it."""
        path = self.stage.folder / "saved"
        with self.stage.runtime() as runtime:
            settings = runtime.settings
        make_backup(settings.database_url.reveal(), path, settings.signing_key())
        with tarfile.open(path) as tar:
            self.heard["a backup"] = b"\n".join(
                part for name in tar.getnames() for part in unpacked(tar.extractfile(name).read())
            )

    def queue(self):
        """Everything that was ever written to it: its append-only file."""
        files = [path for path in self.valkey.folder.rglob("*") if path.is_file()]
        return b"\n".join(part for path in files for part in unpacked(path.read_bytes()))


def visit(life):
    """Every page, file and answer of the console, and what its buttons show."""
    session = requests.Session()
    session.headers["Accept"] = "text/html"

    def get(path):
        answer = session.get(urljoin(life.base, path), timeout=PATIENCE_S)
        life.heard[path] = answer.content + str(answer.headers).encode()
        return answer.text if "html" in answer.headers["Content-Type"] else ""

    def post(path, **fields):
        page = get("/sign-in") if path == "/sign-in" else get("/account")
        token = re.search(r'name="csrf_token" value="([^"]+)"', page)[1]
        answer = session.post(urljoin(life.base, path), data={"csrf_token": token, **fields}, timeout=PATIENCE_S)
        life.heard[f"POST {path} {fields.get('login', '')[:5]}"] = answer.content
        return answer

    post("/sign-in", login="anna", password=CANARIES["a user"] + "x")
    assert post("/sign-in", login="anna", password=CANARIES["a user"]).ok
    for name in ("tea", "outlet", "erp"):
        post(f"/connections/{name}/test")
    post("/doctor")
    waiting, met, kinds = ["/"], {"/"}, Counter()
    for path in waiting:
        for link in map(html.unescape, re.findall(r'href="(/[^"#]*)', get(path))):
            # Pages of one kind say the same of other orders, in another sequence.
            kind = re.sub(r"\d+|=[^&]*", "", link)
            if link not in met and not link.startswith("/static") and kinds[kind] < 4:
                kinds[kind] += 1
                met.add(link)
                waiting.append(link)
    orders = [path for path in met if re.fullmatch(r"/orders/[^/]+/\d+", path)]
    for path in orders[:3]:
        for action in ("rehearse", "erp", "look"):
            post(f"{path}/{action}")
    token = {"Authorization": f"Bearer {CANARIES['CROSSDOCK_METRICS_TOKEN']}"}
    life.heard["/metrics"] = requests.get(f"{life.base}/metrics", headers=token, timeout=PATIENCE_S).text
    forged = requests.post(
        f"{life.base}/webhooks/tea", b"{}", headers={"X-WC-Webhook-Signature": "x"}, timeout=PATIENCE_S
    )
    life.heard["a forged webhook"] = forged.content


#: PostgreSQL has one secret more, and its tables are the same.
@pytest.fixture(params=["sqlite_url", "postgres_url"] if THOROUGH else ["postgres_url"])
def life(request, idle_valkey, short_path, monkeypatch):
    monkeypatch.setenv("PATH", path_of_programs())
    password = CANARIES["the queue"]
    idle_valkey.url = Secret(f"unix://:{password}@{idle_valkey.socket}")
    idle_valkey.start("--requirepass", password)
    url = make_url(request.getfixturevalue(request.param))
    if url.get_backend_name() == "postgresql":
        # Its server trusts whoever reaches its socket, with any password.
        database = url.set(password=CANARIES["the database"]).render_as_string(hide_password=False)
    else:
        database = ""
    (short_path / "state").mkdir()
    secrets = {name: CANARIES[name] for name in IN_ENVIRONMENT}
    secrets["ALERT_URL"] = f"json://{CANARIES['ALERT_TOKEN']}@127.0.0.1:1/"
    with staged(short_path / "state", idle_valkey.url.reveal(), secrets=secrets, database=database) as stage:
        yield Life(stage, idle_valkey)


def test_no_secret_is_found_anywhere_after_a_whole_life(life):
    life.sell()
    life.quarrel()
    life.command("init")
    with life.stage.runtime() as runtime:
        accounts.add_user(runtime.store, "anna", CANARIES["a user"], "admin", actor=Actor("root", "terminal"))
    with life.running():
        life.wait(life.is_up, "the web process did not come up")
        life.wait(lambda: {"done", "held"} <= set(life.states().values()), "no order went over")
        for _, app in life.stage.shops.values():
            Generator(app.shop, seed=99, variety=VARIETIES["demo"]).live(2)
        for arguments in (("status",), ("status", "--json"), ("orders",), ("orders", "--json"), ("proof", "--json")):
            life.command(*arguments)
        life.command("doctor", "--json")
        life.command("order", next(iter(life.states())), "--json")
        life.command("erase", "nobody@example.test")
        life.backup()
        life.command("lookup", "sku", "OLD", "TEE-ASSAM-100")
        visit(life)
        life.wait(lambda: "webhook" in str(life.database()), "no webhook came")
        log = life.stage.folder / "run.log"
        life.wait(lambda: b"alert_not_sent" in log.read_bytes(), "nobody was told")
    life.heard["the database"] = life.database()
    life.heard["the queue"] = life.queue()

    found = {where: names for where, said in life.heard.items() if (names := leaks(said))}
    assert not found, "\n".join(f"{where}: {', '.join(names)}" for where, names in found.items())
    # What was searched is what was meant to be searched.
    assert ECHO.encode() in life.heard["the database"]
    assert b"sha256" in life.heard["a backup"]
    assert b"order_looked_at" in life.heard["log"]
    assert b"sync.work.jobs" in life.heard["the queue"]
    assert b"gunicorn" in life.heard["command lines"] or b"sync.cli" in life.heard["command lines"]
    assert "crossdock_" in life.heard["/metrics"]
    assert sum(path.startswith("/orders/") for path in life.heard) > 10


@pytest.mark.parametrize("name", CANARIES)
def test_a_canary_that_sang_would_be_heard(name):
    value = CANARIES[name]
    pair = base64.b64encode(f"{CANARIES['SHOP_KEY']}:{value}".encode())
    assert name in leaks(f"... {value} ...")
    assert name in leaks(b"Basic " + pair)
    assert name in leaks(f"?consumer_secret={quote_plus(value)}")
    assert any(name in leaks(part) for part in unpacked(b"SQLite" + zlib.compress(value.encode() * 3) + b"..."))
