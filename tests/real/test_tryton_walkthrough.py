"""The walk of docs/walkthrough-mapping.md in a short form: an unknown shop's file, a profile from nothing, sales."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest

from config.settings import Settings
from sync.desk import accounts
from sync.desk.proof import prove_channel
from sync.store import users
from sync.store.channels import start_channel
from sync.store.engine import Store
from sync.store.migrate import migrate
from sync.work.drain import drain_channel
from sync.work.runtime import Runtime
from tests.docs.scripts import load_scripts
from tests.real.tryton_world import connect, new_web_shop
from tests.shared import PATIENCE_S
from tests.valkey import ValkeyServer
from tests.webapp.console.browsing import Person
from tests.webapp.console.conftest import chromium
from tests.webapp.console.stage import PASSWORD
from tests.webapp.served import Server

__all__ = ["chromium"]

pytestmark = [pytest.mark.loopback, pytest.mark.slow, pytest.mark.heavy, pytest.mark.timeout(900)]

ORDERS = 4


@pytest.fixture
def scripts(monkeypatch):
    """The modules beside the pictures, as the script that makes them imports them."""
    return load_scripts(monkeypatch, "farm_shop", "shots", "with_tryton", "walkthrough_mapping")


@pytest.fixture
def folder():
    """With a path so short that a socket can be in it."""
    made = Path(tempfile.mkdtemp(prefix="cd-"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def environment(erp, scripts, folder):
    """Of an installation that knows the file's columns and the ERP, and no profile."""
    walkthrough = scripts[-1]
    shop = new_web_shop(erp)
    text = walkthrough.CONFIGURATION.format(url=erp.url, login=erp.login, database=erp.database, web_shop=shop)
    (folder / "crossdock.yaml").write_text(text, "utf-8")
    valkey = ValkeyServer(folder)
    valkey.start()
    made = {
        "CROSSDOCK_CONFIG": str(folder),
        "CROSSDOCK_STATE": str(folder),
        "CROSSDOCK_DATABASE": f"sqlite:///{folder / 'crossdock.db'}",
        "CROSSDOCK_REDIS": valkey.url.reveal(),
        "TRYTON_KEY": erp.rest_key,
        "TRYTON_PASSWORD": erp.password,
    }
    store = Store.open(made["CROSSDOCK_DATABASE"])
    migrate(store)
    store.write(lambda c: users.add_user(c, "integrator", accounts._hash(PASSWORD), "integrator"))
    store.close()
    yield made, shop
    valkey.close()


def test_a_file_of_an_unknown_shop_becomes_sales_by_a_profile_that_is_written_in_the_workbench(
    erp, environment, scripts, chromium, folder
):
    farm_shop, _, with_tryton, walkthrough = scripts
    variables, web_shop = environment
    file = folder / "farm.csv"
    file.write_bytes(farm_shop.export(ORDERS))
    server = Server(folder, variables["CROSSDOCK_DATABASE"], app="webapp.app:create_app()", **variables).start()
    try:
        with Runtime(Settings.from_env(variables)) as runtime:
            channel = runtime.config.channels[walkthrough.CHANNEL]
            runtime.store.write(lambda c: start_channel(c, channel.name, channel.policies.start_at))

            def carried():
                systems = runtime.systems.channel(channel.name)
                drain_channel(runtime.store, systems, "order", ring=lambda *_, **__: True)
                assert with_tryton.under_way(runtime) == 0

            person = Person(chromium, f"http://127.0.0.1:{server.port}")
            person.sign_in("integrator")
            walkthrough.walk(person.page, file, carried=carried)
            person.close()
            proof = prove_channel(runtime.store, runtime.systems.channel(channel.name))
            assert proof.holds
            assert sum(group.erp.count for group in proof.groups) == ORDERS
    finally:
        server.stop()
    target = connect(erp, web_shop=web_shop, deadline_s=PATIENCE_S)
    numbers = [f"F-{1000 + number}" for number in range(1, ORDERS + 1)]
    found = target.find_sales(numbers)
    assert [len(found[number]) for number in numbers] == [1] * ORDERS
