"""The demo from end to end, as a user runs it, with smaller numbers: it is also the test of `crossdock run`."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path

import pytest

from connectors.sandbox.erp.audit import check_ledger
from sync.cli.demo.back import CANCELLED, FOUND, SENT
from sync.desk import accounts
from sync.store.documents import load_documents
from sync.store.engine import Store
from sync.store.orders import list_orders

pytestmark = [
    pytest.mark.slow,
    pytest.mark.heavy,
    pytest.mark.loopback,
    # The first run on a machine installs Tryton and makes its database.
    pytest.mark.timeout(900),
    pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="what is left running is read from /proc"),
]

ORDERS, FAST, LIVE = 24, 150, 4
#: Planted to be held, and bought one by one at the end, in each shop.
PLANTED, LAST = 3, 3
NUMBERS = ["--orders", str(ORDERS), "--fast-orders", str(FAST), "--live", str(LIVE)]
SIDE = r"([\d,]+)  ([\d,.]+)"


def demo(folder, numbers=NUMBERS, **options):
    """The process; its folder is in the environment of everything that it starts."""
    command = [sys.executable, "-m", "sync.cli", "demo", "--folder", str(folder), *numbers]
    return subprocess.Popen(
        command, env=os.environ | {"DEMO_TEST_FOLDER": str(folder)}, stdin=subprocess.DEVNULL, text=True, **options
    )


def left_running(folder):
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                if str(folder).encode() in (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes():
                    found.append((entry / "cmdline").read_text("utf-8", "replace").replace("\0", " "))
    return found


@pytest.fixture(scope="module")
def performed(tmp_path_factory):
    """(folder, exit status, what it proved, what it told)"""
    folder = tmp_path_factory.mktemp("demo") / "here"
    process = demo(folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = process.communicate(timeout=880)
    return folder, process.returncode, out, err


def test_the_proof_holds_on_both_channels_and_the_demo_ends_by_itself(performed):
    folder, status, out, err = performed
    assert status == 0, f"{out}\n{err}\n{(folder / 'crossdock.log').read_text()[-4000:]}"
    assert out.count("the proof holds; 3 differences, all explained") == 2


def test_every_order_but_the_planted_ones_is_in_the_erp_to_the_cent(performed):
    _, _, out, _ = performed
    rows = re.findall(rf"all days +│ EUR │ +{SIDE} │ +{SIDE} │ +{SIDE} │ 3 held", out)
    counts = [tuple(int(row[index].replace(",", "")) for index in (0, 2, 4)) for row in rows]
    # What was cancelled on both sides counts on neither.
    everything = [ORDERS + LIVE + PLANTED + LAST, FAST + PLANTED + LAST - CANCELLED]
    # One of the planted orders cannot be read, so Crossdock has no sum of it.
    assert counts == [(shop, shop - 1, shop - PLANTED) for shop in everything]
    for cause in ("unknown_sku", "totals_mismatch", "value_limit"):
        assert out.count(f"{cause}: ") == 2


def test_the_ledger_of_the_sandbox_erp_has_every_order_once(performed):
    folder, _, _, _ = performed
    store = Store.open(f"sqlite:///{folder}/state/crossdock.db")
    try:
        orders = store.read(lambda c: list_orders(c, "outlet", "sandbox-erp"))
    finally:
        store.close()
    expected = {f"outlet:{order.external_id}": order.grand for order in orders if order.state == "done"}
    assert len(expected) == FAST + LAST - CANCELLED
    assert check_ledger(folder / "sandbox-erp.ledger", expected) == []


def test_the_console_and_its_first_sign_in_are_told(performed):
    folder, _, _, err = performed
    told = re.search(r"console: (http://127\.0\.0\.1:\d+/) sign in as (\w+) with (\S+)", err)
    address, login, password = told.groups()
    assert address == re.search(r"CROSSDOCK_PUBLIC_URL=(\S+)", (folder / "environment").read_text())[1] + "/"
    store = Store.open(f"sqlite:///{folder}/state/crossdock.db")
    try:
        assert accounts.sign_in(store, login, password, address="", agent="")
    finally:
        store.close()


def test_everything_that_was_to_go_wrong_went_wrong(performed):
    folder, _, _, err = performed
    assert "connection=tryton" in (folder / "crossdock.log").read_text()
    # Whether these show in the log is a matter of whose calls they strike: one call bears three of them.
    assert "the sandbox ERP answered 503 for 4 s" in err
    assert int(re.search(r"answered 429 to (\d+) calls", err)[1]) > 0
    assert re.search(r"replies to 3 sales", err)
    assert "Tryton is back" in err
    assert re.search(r"(\d+) of \1 forged ones refused", err)


def test_of_either_connection_it_says_how_long_after_the_checkout_an_order_is_in_the_erp(performed):
    _, _, _, err = performed
    slowest = [float(seconds) for seconds in re.findall(r"at most ([\d.]+) s", err)]
    assert len(slowest) == 2
    assert min(slowest) > 0


def test_what_became_of_orders_in_the_erp_came_back(performed):
    folder, _, _, err = performed
    assert re.search(rf"pieces in {SENT + 1} parcels, .*its orders are completed", err)
    assert re.search(r"refund of [\d.]+ EUR in the shop is a posted credit note in Tryton", err)
    # What was sold of it and has not left is taken off.
    [shown] = re.findall(r"the tea shop shows (\d+) of LETZTE, as many as Tryton has to sell", err)
    assert 0 < int(shown) <= FOUND
    store = Store.open(f"sqlite:///{folder}/state/crossdock.db")
    try:
        orders = store.read(lambda c: list_orders(c, "tea-shop", "tryton"))
        found = store.read(lambda c: load_documents(c, [order.id for order in orders]))
    finally:
        store.close()
    documents = [each for some in found.values() for each in some]
    kinds = [(each.connection, each.kind) for each in documents]
    assert kinds.count(("tea-shop", "fulfilment")) == SENT + 1
    assert kinds.count(("tryton", "payment")) == kinds.count(("tea-shop", "payment")) == SENT
    [(shop, erp)] = [
        (mine.total, theirs.total)
        for mine in documents
        for theirs in documents
        if theirs.made_from == mine.id and mine.kind == theirs.kind == "refund"
    ]
    assert Decimal(shop) == -Decimal(erp)


def test_no_log_has_a_traceback_or_a_secret(performed):
    folder, _, _, _ = performed
    secrets = re.findall(r"^export DEMO_\w+=(\S+)$", (folder / "environment").read_text(), re.MULTILINE)
    assert len(secrets) == 9
    logs = sorted(folder.glob("*.log"))
    assert folder / "crossdock.log" in logs
    for log in logs:
        text = log.read_text()
        assert "Traceback" not in text, log
        assert not [secret for secret in secrets if secret in text], log
        assert not re.search(r"(?m)^\S* *\|? *\S+ (error|critical) ", text), log


def test_nothing_is_left_running(performed):
    folder, _, _, _ = performed
    assert "child=valkey status=0" in (folder / "crossdock.log").read_text()
    assert left_running(folder) == []


def test_nothing_outlives_a_demo_that_is_killed(tmp_path):
    folder = tmp_path / "here"
    few = ["--orders", "10", "--fast-orders", "10", "--live", "1"]
    process = demo(folder, few, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        log, until = folder / "crossdock.log", time.monotonic() + 600
        while not log.exists() or "scheduler_started" not in log.read_text():
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.2)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    until = time.monotonic() + 90
    while left_running(folder) and time.monotonic() < until:
        time.sleep(0.2)
    assert left_running(folder) == []
