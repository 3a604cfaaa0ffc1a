"""`crossdock doctor` and `crossdock rewind` as people type them."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import select

from sync.store.said import load_said
from sync.store.tables import audit, checkpoints, reports
from tests.sync.cli.test_commands import erp, home, shop

__all__ = ["erp", "home", "shop"]

pytestmark = pytest.mark.loopback


def ready(home, shop, erp):
    home.configure(shop.server.url, erp.url)
    home.run("init")


def doctor(home, *words, status):
    """stdout, whatever the exit status."""
    home._monkeypatch.setattr("sys.argv", ["crossdock", "doctor", *words])
    home._capsys.readouterr()
    with pytest.raises(SystemExit) as stop:
        home.main()
    out, err = home._capsys.readouterr()
    assert stop.value.code == status, out + err
    assert "Traceback" not in out + err
    return out


@pytest.fixture(autouse=True)
def main(home):
    from sync import cli  # noqa: PLC0415

    home.main = cli.main


def test_a_failure_ends_with_one_and_says_what_to_do(home, shop, erp):
    ready(home, shop, erp)
    # The queue's server of these tests is one that does not run.
    text = doctor(home, status=1)
    assert "✗ fail" in text
    assert "queue.server" in text
    assert "To do before going live" in text
    assert "Score " in text


def test_warnings_alone_end_with_zero(home, shop, erp):
    home._monkeypatch.delenv("CROSSDOCK_REDIS")
    ready(home, shop, erp)
    text = doctor(home, status=0)
    assert "! warn" in text
    assert "✗" not in text


def test_json_is_one_object_with_a_line_for_each_check(home, shop, erp):
    ready(home, shop, erp)
    report = json.loads(doctor(home, "--json", status=1))
    assert set(report) == {"at", "score", "ready", "counts", "checks"}
    assert sum(report["counts"].values()) == len(report["checks"])
    words = {"section", "check", "title", "level", "found", "expected", "next_step"}
    assert all(set(check) == words for check in report["checks"])
    assert {check["section"] for check in report["checks"]} == {
        "installation",
        "queue",
        "connection:erp",
        "connection:shop",
        "channel:web",
        "golive",
    }


def test_the_last_check_up_is_kept(home, shop, erp):
    ready(home, shop, erp)
    shown = json.loads(doctor(home, "--json", status=1))
    [row] = home.rows(select(reports.c.kind, reports.c.subject, reports.c.ok, reports.c.body))
    assert (row.kind, row.subject, row.ok) == ("doctor", "", False)
    assert load_said(row.body) == shown


def test_before_anything_is_there_it_looks_all_the_same(home):
    text = doctor(home, status=1)
    assert "the configuration can be used" in text
    home.configure()
    assert "crossdock init" in doctor(home, status=1)


def test_a_configuration_that_cannot_be_used_shows_its_line(home, shop, erp):
    ready(home, shop, erp)
    file = home.folder / "config" / "crossdock.yaml"
    file.write_text(file.read_text().replace("system: woocommerce", "system: woocomerce"))
    assert "crossdock.yaml:3" in doctor(home, status=1)


def test_a_key_is_proven_kept_audited_and_counts_from_then_on(home, shop, erp):
    ready(home, shop, erp)
    assert "declared and not proven yet" in doctor(home, status=1)
    assert "was refused" in doctor(home, "--prove-key", "erp", status=0)
    assert "proven at" in doctor(home, status=1)
    assert erp.books.state.sales == {}
    [row] = home.rows(select(audit.c.action, audit.c.subject))
    assert tuple(row) == ("prove key", "connection:erp")
    assert json.loads(doctor(home, "--prove-key", "erp", "--json", status=0))["proven"] is True


@pytest.mark.parametrize(("name", "told"), [("nobody", "there is no connection"), ("shop", "takes no sales")])
def test_a_key_that_cannot_be_proven(home, shop, erp, name, told):
    ready(home, shop, erp)
    assert told in home.run("doctor", "--prove-key", name, status=2)


def test_one_connection_is_looked_at_alone(home, shop, erp):
    ready(home, shop, erp)
    report = json.loads(doctor(home, "erp", "--json", status=0))
    assert {check["section"] for check in report["checks"]} == {"connection:erp"}
    [subject] = home.rows(select(reports.c.subject).where(reports.c.kind == "doctor"))
    assert tuple(subject) == ("connection:erp",)
    assert "there is no connection 'nobody'" in home.run("doctor", "nobody", status=2)
    assert "one at a time" in home.run("doctor", "erp", "--create", "web", status=2)


def test_what_a_channel_presumes_is_listed_with_what_can_be_made(home, shop, erp):
    ready(home, shop, erp)
    assert "nothing is lacking that could be made" in doctor(home, "--create", "web", status=0)
    file = home.folder / "config" / "crossdock.yaml"
    file.write_text(file.read_text().replace("policies:\n", "policies:\n      target: {fee_product: GIFT}\n"))
    assert "erp has no product GIFT, which is made over there by hand" in doctor(home, "--create", "web", status=1)
    assert "there is no channel" in home.run("doctor", "--create", "nobody", status=2)


@pytest.mark.fault("D12")
def test_going_back_shows_what_it_means_and_asks(home, shop, erp):
    ready(home, shop, erp)
    shop.place(3)
    home.run("pull", "web")
    [before] = home.rows(select(checkpoints.c.value))
    home._monkeypatch.setattr("click.confirm", lambda *_, **__: False)
    home.run("rewind", "shop", "--to", "2026-01-01", status=130)
    assert home.rows(select(checkpoints.c.value)) == [before]
    assert "2026-01-01 00:00 UTC" in home.run("rewind", "shop", "--to", "2026-01-01", "--yes", "--reason", "a gap")
    [after] = home.rows(select(checkpoints.c.value))
    assert "2026-01-01T00:00:00" in after.value
    [row] = home.rows(select(audit.c.action, audit.c.reason))
    assert tuple(row) == ("rewind", "a gap")


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (["erp", "--to", "2026-01-01"], 1, "no checkpoint"),
        (["nobody", "--to", "2026-01-01"], 1, "there is no connection"),
        (["shop", "--to", "2099-01-01"], 2, "lies ahead"),
        (["shop"], 2, "--to"),
    ],
    ids=str,
)
def test_going_back_that_cannot_be_meant(home, shop, words, status, told):
    home.configure(shop.server.url)
    home.run("init")
    assert told in home.run("rewind", *words, status=status)
