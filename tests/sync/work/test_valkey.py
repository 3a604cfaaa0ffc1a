from __future__ import annotations

import time
from pathlib import Path

import pytest

from config.model import Secret
from sync.work.valkey import NoServer, answers, check_redis, command, find_server, socket_of
from tests.shared import PATIENCE_S
from tests.valkey import ValkeyServer


def causes(url: Secret) -> dict[str, bool]:
    """Cause -> whether it stops us."""
    return {problem.cause: problem.fatal for problem in check_redis(url)}


def test_the_embedded_server_is_as_we_want_servers_to_be(valkey):
    assert check_redis(valkey.url) == []


def test_the_embedded_server_listens_on_no_port_and_its_socket_is_ours_alone(valkey):
    assert valkey.client().config_get("port") == {"port": "0"}
    assert valkey.socket.stat().st_mode & 0o777 == 0o700


def test_queued_rings_survive_a_kill_of_the_server(valkey):
    valkey.client().rpush("list", *range(100))
    time.sleep(1.2)  # everysec
    valkey.kill()
    valkey.start()
    assert valkey.client().llen("list") == 100


def test_an_evicting_server_is_refused_with_the_fix(idle_valkey):
    idle_valkey.start("--maxmemory-policy", "allkeys-lru")
    [problem] = check_redis(idle_valkey.url)
    assert (problem.cause, problem.fatal) == ("policy", True)
    assert "allkeys-lru" in problem.text
    assert "CONFIG SET maxmemory-policy noeviction" in problem.text


def test_a_server_without_append_only_file_is_only_a_warning_because_dispatch_rings_again(idle_valkey):
    idle_valkey.start("--appendonly", "no")
    assert causes(idle_valkey.url) == {"aof": False}


def test_a_nearly_full_server_is_a_warning(idle_valkey):
    idle_valkey.start("--maxmemory", "16mb")
    client = idle_valkey.client()
    for number in range(10):
        client.set(f"ballast{number}", "x" * 1_000_000)
    assert causes(idle_valkey.url) == {"memory": False}


def test_a_replica_is_refused(idle_valkey, short_path):
    idle_valkey.start("--replicaof", "127.0.0.1", "1")
    assert causes(idle_valkey.url)["role"] is True


def test_a_clock_that_is_half_a_minute_off_is_refused_and_a_few_seconds_are_a_warning(valkey, time_machine):
    time_machine.move_to(time.time() + 5, tick=True)
    assert causes(valkey.url) == {"clock": False}
    time_machine.move_to(time.time() + 60, tick=True)
    assert causes(valkey.url) == {"clock": True}


def test_a_server_that_is_away_is_said_to_be_so(short_path):
    url = Secret(f"unix://{short_path}/nobody.sock")
    assert causes(url) == {"unreachable": True}
    assert not answers(url)


def test_a_server_that_hangs_is_given_up_in_seconds(valkey):
    valkey.freeze()
    began = time.monotonic()
    assert causes(valkey.url) == {"unreachable": True}
    assert time.monotonic() - began < PATIENCE_S / 2


def test_a_refused_login_is_no_outage(idle_valkey):
    idle_valkey.start("--requirepass", "a-long-password", "--loglevel", "warning")
    [problem] = check_redis(idle_valkey.url)
    assert problem.cause == "refused"
    assert "CROSSDOCK_REDIS" in problem.text


def test_the_password_never_stands_in_a_problem(idle_valkey, short_path):
    idle_valkey.start("--requirepass", "right")
    url = Secret(f"unix://:wrong-password@{idle_valkey.socket}")
    assert "wrong-password" not in str(check_redis(url))


def test_without_any_server_it_is_said_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(NoServer, match="apt install valkey-server"):
        find_server()


@pytest.mark.parametrize(("version", "taken"), [("v=6.0.16", False), ("v=7.2.5", True)])
def test_the_systems_server_is_taken_unless_it_is_too_old(monkeypatch, tmp_path, version, taken):
    program = tmp_path / "redis-server"
    program.write_text(f"#!/bin/sh\necho Redis server {version} sha=0\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert (find_server() == program) is taken


def test_a_broken_program_of_the_right_name_is_passed_over(monkeypatch, tmp_path):
    program = tmp_path / "valkey-server"
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert find_server() != program


def test_the_command_names_socket_and_folder():
    argv = command(Path("/bin/valkey-server"), socket=Path("/s/v.sock"), folder=Path("/s/valkey"))
    assert argv[argv.index("--unixsocket") + 1] == "/s/v.sock"
    assert argv[argv.index("--dir") + 1] == "/s/valkey"


def test_the_socket_of_a_url_may_hold_any_character():
    assert socket_of(Secret("unix:///a%20b/valkey.sock")) == Path("/a b/valkey.sock")


def test_the_server_fixture_is_the_one_of_production(valkey: ValkeyServer):
    assert valkey.client().config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
