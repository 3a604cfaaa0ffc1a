"""The shop as a process: started by its command, scripted over HTTP, standing again after kill -9."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys

import pytest
import requests

from tests.shared import PATIENCE_S

pytestmark = pytest.mark.loopback

SECURE = {"X-Forwarded-Proto": "https"}
AUTH = ("ck_sandbox", "cs_sandbox")


@contextlib.contextmanager
def started(*options):
    """(process, URL) of a running shop."""
    command = [sys.executable, "-m", "connectors.sandbox.woocommerce", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            yield process, json.loads(process.stdout.readline())["url"]
        finally:
            process.kill()


def orders(url):
    query = {"per_page": 100, "orderby": "id"}
    reply = requests.get(f"{url}/wp-json/wc/v3/orders", params=query, auth=AUTH, headers=SECURE, timeout=PATIENCE_S)
    found = reply.json()
    for order in found:  # they hold the port
        del order["_links"], order["payment_url"]
    return found


def control(url, path, body=None):
    if body is None:
        return requests.get(f"{url}/_sandbox/{path}", timeout=PATIENCE_S).json()
    return requests.post(f"{url}/_sandbox/{path}", json=body, timeout=PATIENCE_S).json()


def test_the_shop_stands_again_after_kill_nine_and_goes_on_with_new_ids(tmp_path):
    state = ("--state-file", str(tmp_path / "shop.jsonl"))
    with started("--orders", "30", "--seed", "3", "--plants", "unknown_sku", *state) as (process, url):
        placed = control(url, "orders", {"count": 2, "seed": 1})["ids"]
        path = f"{url}/wp-json/wc/v3/orders/{placed[0]}"
        requests.put(path, json={"status": "completed"}, auth=AUTH, headers=SECURE, timeout=PATIENCE_S)
        requests.post(f"{path}/notes", json={"note": "kept"}, auth=AUTH, headers=SECURE, timeout=PATIENCE_S)
        before = orders(url)
        os.kill(process.pid, signal.SIGKILL)
    with started(*state) as (_process, url):
        assert orders(url) == before
        assert control(url, "shop")["orders"] == 33
        notes = requests.get(
            f"{url}/wp-json/wc/v3/orders/{placed[0]}/notes", auth=AUTH, headers=SECURE, timeout=10
        ).json()
        assert [note["note"] for note in notes] == ["kept"]
        [new] = control(url, "orders", {"count": 1})["ids"]
        assert new > max(order["id"] for order in before)


def test_sigterm_ends_it_cleanly():
    with started() as (process, _url):
        process.terminate()
        assert process.wait(PATIENCE_S) == 0


def test_it_is_scripted_from_another_process():
    with started("--settle-s", "3") as (_process, url):
        assert control(url, "info")["settle_s"] == 3
        assert control(url, "plant", {"what": "over_limit"})["id"]
        assert control(url, "shop")["orders"] == 1
        assert [entry["kind"] for entry in control(url, "ledger")][-2:] == ["product.sold", "order.create"]
        assert control(url, "mode", {"mode": "maintenance"})["mode"] == "maintenance"
        assert requests.get(f"{url}/wp-json/wc/v3/orders", timeout=PATIENCE_S).status_code == 503
        assert control(url, "mode", {"mode": ""})["mode"] == ""
        assert control(url, "settings", {"fulfillments": False})["fulfillments"] is False
        assert "unknown field" in control(url, "settings", {"colour": 1})["error"]
        assert control(url, "webhooks", {"duplicate": 0.5})["behaviour"]["duplicate"] == 0.5
        assert control(url, "deliveries")["waiting"] == 0
        control(url, "faults", {"kind": "status", "status": 429, "retry_after": "soon", "path": "*/orders"})
        refused = requests.get(f"{url}/wp-json/wc/v3/orders", timeout=PATIENCE_S)
        assert (refused.status_code, refused.headers["Retry-After"]) == (429, "soon")
        assert [seen["fault"] for seen in control(url, "requests")] == [None, "status"]


def test_a_webhook_address_can_be_subscribed_at_the_start():
    with started("--webhook-url", "http://127.0.0.1:9/hook", "--webhook-secret", "s") as (_process, url):
        hooks = requests.get(f"{url}/wp-json/wc/v3/webhooks", auth=AUTH, headers=SECURE, timeout=PATIENCE_S).json()

        assert sorted(hook["topic"] for hook in hooks) == ["order.created", "order.deleted", "order.updated"]
