from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from config.logging import configure_logging
from config.settings import Settings
from sync.work.run import Taken, everything, held, run, valkey
from sync.work.valkey import NoServer


def settings(folder: Path, **variables: str) -> Settings:
    return Settings.from_env({"CROSSDOCK_STATE": str(folder), **{f"CROSSDOCK_{k}": v for k, v in variables.items()}})


def children(folder: Path, **variables: str) -> dict:
    listed = everything(settings(folder, **variables), longest_call_s=30, log_format="json")
    return {child.name: child for child in listed}


def test_everything_is_started_and_the_queue_first(short_path):
    found = children(short_path, WORKERS="3")
    assert list(found) == ["valkey", "web", "scheduler", "worker-1", "worker-2", "worker-3"]
    assert found["valkey"].stage < min(child.stage for name, child in found.items() if name != "valkey")
    assert found["worker-2"].argv == [sys.executable, "-m", "sync.cli", "worker"]


def test_a_given_queue_is_not_supervised(short_path):
    assert "valkey" not in children(short_path, REDIS="redis://queue.internal:6379/0")


def test_a_worker_may_finish_the_calls_that_it_has_in_flight(short_path):
    assert children(short_path)["worker-1"].stop_s > 30


def test_the_children_write_logs_as_the_supervisor_reads_them(short_path):
    assert children(short_path, LOG_FORMAT="auto")["web"].env["CROSSDOCK_LOG_FORMAT"] == "json"


def test_the_children_read_the_same_settings(short_path):
    given = settings(short_path, WORKERS="3", INSTANCE="other")
    env = children(short_path, WORKERS="3", INSTANCE="other")["web"].env
    theirs = Settings.from_env(env)
    assert (theirs.state_folder, theirs.redis_url, theirs.instance) == (
        given.state_folder,
        given.redis_url,
        given.instance,
    )


def test_web_is_ready_when_it_listens(short_path):
    assert children(short_path, LISTEN="127.0.0.1:0")["web"].ready is None
    assert children(short_path)["web"].ready is not None


def test_files_that_the_server_cannot_read_are_kept_aside(short_path):
    child = valkey(settings(short_path), {})
    (short_path / "valkey" / "broken").touch()
    child.repair()
    assert list((short_path / "valkey").iterdir()) == []
    [aside] = short_path.glob("valkey.broken-*")
    assert (aside / "broken").exists()


def test_the_queues_files_are_for_us_alone(short_path):
    valkey(settings(short_path), {})
    assert (short_path / "valkey").stat().st_mode & 0o077 == 0


def test_a_socket_folder_that_somebody_else_has_prepared_is_refused(short_path):
    prepared = short_path / "prepared"
    prepared.mkdir()
    prepared.chmod(0o777)
    given = settings(short_path / "state", REDIS=f"unix://{prepared}/valkey.sock")
    with pytest.raises(NoServer, match="not ours alone"):
        valkey(given, {})


def test_the_state_folder_is_made(short_path):
    with held(short_path / "new" / "state"):
        assert (short_path / "new" / "state" / "run.lock").read_text() == f"{os.getpid()}\n"


def test_a_state_folder_can_be_held_once(short_path):
    with held(short_path), pytest.raises(Taken, match=f"process {os.getpid()}"), held(short_path, patience_s=0.1):
        pass
    with held(short_path, patience_s=0.1):
        pass


def test_a_machine_without_a_server_ends_the_run_with_the_fix(short_path, monkeypatch, capsys):
    monkeypatch.setenv("PATH", str(short_path))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    # As the command line does; a logger that another test has used writes nowhere else any more.
    configure_logging(settings(short_path), "run")
    assert run(settings(short_path)) == os.EX_CONFIG
    assert "apt install valkey-server" in capsys.readouterr().out
