"""The environment is read in one place; every problem of it is named at once, and nothing secret with it."""

from __future__ import annotations

import dataclasses
import stat
import threading
from pathlib import Path

import pytest

from config.model import Secret
from config.problems import ConfigError
from config.settings import Settings
from config.variables import VARIABLES

KEY = "k" * 32


def problems(environ: dict[str, str]) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        Settings.from_env(environ)
    return str(caught.value).splitlines()


def test_without_variables_everything_is_local(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    settings = Settings.from_env({})

    assert settings.config_folder == Path("config/local")
    assert settings.state_folder == tmp_path / "var"
    assert settings.database_url == Secret(f"sqlite:///{tmp_path}/var/crossdock.db")
    assert settings.redis_url == Secret(f"unix://{tmp_path}/var/valkey.sock")
    assert settings.supervise_redis
    assert (settings.web_host, settings.web_port) == ("127.0.0.1", 8080)
    assert (settings.log_level, settings.log_format) == ("info", "auto")
    assert not settings.secret_key
    assert not (tmp_path / "var").exists()


def test_every_variable_is_read():
    settings = Settings.from_env(
        {
            "CROSSDOCK_CONFIG": "/etc/crossdock",
            "CROSSDOCK_STATE": "/var/lib/crossdock",
            "CROSSDOCK_DATABASE": "postgresql://u:p@db:5432/x",
            "CROSSDOCK_REDIS": "rediss://:p@queue:6379/0",
            "CROSSDOCK_LISTEN": "[::1]:0",
            "CROSSDOCK_PUBLIC_URL": "https://dock.example/in/",
            "CROSSDOCK_TRUSTED_HOSTS": "dock.example",
            "CROSSDOCK_PROXY_HOPS": "1",
            "CROSSDOCK_MAX_BODY_KIB": "2",
            "CROSSDOCK_WEB_PROCESSES": "3",
            "CROSSDOCK_WEB_THREADS": "4",
            "CROSSDOCK_WORKERS": "5",
            "CROSSDOCK_LANGUAGE": "pt-BR",
            "CROSSDOCK_LOG_LEVEL": "WARNING",
            "CROSSDOCK_LOG_FORMAT": "json",
            "CROSSDOCK_KEEP_PAYLOADS_DAYS": "40",
            "CROSSDOCK_KEEP_CALLS_DAYS": "0",
            "CROSSDOCK_KEEP_HISTORY_DAYS": "31",
            "CROSSDOCK_KEEP_AUDIT_DAYS": "365",
            "CROSSDOCK_SECRET_KEY": KEY,
            "CROSSDOCK_METRICS_TOKEN": "a-token-of-16-chars",
            "CROSSDOCK_INSTANCE": "test",
            "CROSSDOCK_NODE": "worker-2.lan",
        }
    )

    read = {field.name: getattr(settings, field.name) for field in dataclasses.fields(settings)}
    environ = read.pop("environ")
    assert len(environ) == len(VARIABLES)
    assert read == {
        "config_folder": Path("/etc/crossdock"),
        "state_folder": Path("/var/lib/crossdock"),
        "database_url": Secret("postgresql://u:p@db:5432/x"),
        "redis_url": Secret("rediss://:p@queue:6379/0"),
        "supervise_redis": False,
        "web_host": "::1",
        "web_port": 0,
        "public_url": "https://dock.example/in",
        "trusted_hosts": ("dock.example",),
        "proxy_hops": 1,
        "max_body_bytes": 2048,
        "web_processes": 3,
        "web_threads": 4,
        "workers": 5,
        "language": "pt_BR",
        "log_level": "warning",
        "log_format": "json",
        "keep_payloads_days": 40,
        "keep_calls_days": 0,
        "keep_history_days": 31,
        "keep_audit_days": 365,
        "secret_key": Secret(KEY),
        "metrics_token": Secret("a-token-of-16-chars"),
        "instance": "test",
        "node": "worker-2.lan",
    }


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "LISTEN",
            "8080",
            "found '8080', expected HOST:PORT with a port from 0 to 65535, e.g. 127.0.0.1:8080 or [::1]:8080",
        ),
        ("LISTEN", "::1:80", "found '::1:80', expected HOST:PORT"),
        ("LISTEN", "h:65536", "found 'h:65536', expected HOST:PORT"),
        ("LISTEN", "h:\u0661", "found 'h:\u0661', expected HOST:PORT"),
        ("WORKERS", "0", "found '0', expected a whole number from 1 to 64"),
        ("WORKERS", "2.5", "found '2.5', expected a whole number from 1 to 64"),
        ("WORKERS", "many", "found 'many', expected a whole number from 1 to 64"),
        ("KEEP_CALLS_DAYS", "30", "found '30', expected 0 for ever, or a whole number from 31 to 36500"),
        ("LANGUAGE", "../de", "found '../de', expected the code of a language, e.g. de or pt-BR"),
        ("LOG_LEVEL", "warn", "found 'warn', expected one of debug, info, warning, error; did you mean 'warning'?"),
        ("LOG_FORMAT", "yaml", "found 'yaml', expected one of auto, console, json"),
        (
            "DATABASE",
            "mysql://u:hunter2@h/x",
            "found a URL of the kind mysql://..., expected sqlite:///PATH of a file, or",
        ),
        ("DATABASE", "hunter2", "found another kind of text, expected sqlite:///PATH"),
        ("DATABASE", "sqlite://", "found another kind of text, expected sqlite:///PATH"),
        ("DATABASE", "sqlite:///:memory:", "found a URL of the kind sqlite://..., expected sqlite:///PATH of a file"),
        (
            "DATABASE",
            "postgresql://u:p@h:x/n",
            "found an address that cannot be read, expected a URL with a valid host",
        ),
        ("REDIS", "http://:hunter2@h", "found a URL of the kind http://..., expected unix:///PATH of a socket"),
        (
            "REDIS",
            "unix:///" + "x" * 103,
            "found a socket path of 104 bytes, expected at most 103; put the socket into a folder with a shorter path",
        ),
        (
            "PUBLIC_URL",
            "https://u:hunter2@h",
            "found another kind of address, expected http(s)://HOST[:PORT][/PATH] without",
        ),
        ("PUBLIC_URL", "dock.example", "found another kind of address, expected http(s)://"),
        ("SECRET_KEY", "hunter2", "found a short text, expected at least 32 characters; make one with: python -c"),
        ("INSTANCE", "Über", "found 'Über', expected a name of a-z, 0-9, _ and -, at most 64 characters"),
        ("NODE", "a b", "found 'a b', expected a name of A-Z, a-z, 0-9, . _ and -, at most 64 characters"),
    ],
)
def test_a_bad_value_says_what_was_found_and_expected(name, text, message):
    [line] = problems({f"CROSSDOCK_{name}": text})

    assert line.startswith(f"environment: CROSSDOCK_{name}: {message}")
    assert "hunter2" not in line


def test_all_problems_come_at_once():
    lines = problems({"CROSSDOCK_WORKERS": "x", "CROSSDOCK_LOG_LEVEL": "x", "CROSSDOCK_DATABSE": "sqlite:////x"})

    assert [line.split(": ")[1] for line in lines] == ["CROSSDOCK_DATABSE", "CROSSDOCK_LOG_LEVEL", "CROSSDOCK_WORKERS"]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("CROSSDOCK_DATABSE", "CROSSDOCK_DATABASE"),
        ("CROSSDOCK_REDIS_URL", "CROSSDOCK_REDIS"),
        ("CROSSDOCK_WORKER", "CROSSDOCK_WORKERS"),
    ],
)
def test_a_mistyped_variable_is_refused(name, meant):
    [line] = problems({name: "x"})

    assert line == (
        f"environment: {name}: found an unknown variable; did you mean '{meant}'? "
        "(a variable of your own needs a name that does not begin with CROSSDOCK_)"
    )


@pytest.mark.parametrize(
    "name",
    ["CROSSDOCK_PORT", "CROSSDOCK_PORT_8080_TCP", "CROSSDOCK_DATABASE_PORT", "CROSSDOCK_REDIS_SERVICE_HOST", "PATH"],
)
def test_what_kubernetes_sets_for_a_service_of_our_name_is_not_taken_for_a_slip(name):
    Settings.from_env({name: "tcp://10.0.0.1:80"})


def test_a_variable_that_is_set_but_empty_counts_as_not_set():
    assert Settings.from_env({"CROSSDOCK_WORKERS": "", "CROSSDOCK_SECRET_KEY": ""}).workers == 2


def test_a_secret_may_come_from_a_file(tmp_path):
    (tmp_path / "url").write_text("redis://:p@queue:6379/0\n")
    settings = Settings.from_env({"CROSSDOCK_REDIS_FILE": str(tmp_path / "url")})

    assert settings.redis_url == Secret("redis://:p@queue:6379/0")
    assert not settings.supervise_redis


def test_a_secret_file_that_cannot_be_used_is_named(tmp_path):
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "bytes").write_bytes(b"\xff")

    def found(environ: dict[str, str]) -> str:
        [line] = problems(environ)
        return line.replace(str(tmp_path), "")

    assert found({"CROSSDOCK_REDIS_FILE": str(tmp_path / "none")}) == (
        "environment: CROSSDOCK_REDIS_FILE: found the file '/none', which cannot be read (No such file or directory), "
        "expected a readable text file"
    )
    assert "(it is no UTF-8 text)" in found({"CROSSDOCK_REDIS_FILE": str(tmp_path / "bytes")})
    assert "found the empty file '/empty'" in found({"CROSSDOCK_REDIS_FILE": str(tmp_path / "empty")})
    assert found({"CROSSDOCK_REDIS_FILE": str(tmp_path / "none"), "CROSSDOCK_REDIS": "redis://h"}) == (
        "environment: CROSSDOCK_REDIS: found both this and CROSSDOCK_REDIS_FILE, "
        "expected one of them; unset one of them"
    )


def test_settings_show_nothing_that_is_secret():
    settings = Settings.from_env(
        {
            "CROSSDOCK_DATABASE": "postgresql://u:hunter2@h/x",
            "CROSSDOCK_SECRET_KEY": "hunter2" * 5,
            "SHOP_KEY": "hunter2",
        }
    )

    assert "hunter2" not in repr(settings)
    assert "hunter2" not in repr(settings.environ)
    assert settings.environ["SHOP_KEY"] == "hunter2"


def test_a_given_key_signs(tmp_path):
    settings = Settings.from_env({"CROSSDOCK_STATE": str(tmp_path / "s"), "CROSSDOCK_SECRET_KEY": KEY})

    assert settings.signing_key() == Secret(KEY)
    assert not (tmp_path / "s").exists()


def test_without_a_given_key_one_is_made_once_and_kept_privately(tmp_path):
    settings = Settings.from_env({"CROSSDOCK_STATE": str(tmp_path / "s")})

    key = settings.signing_key()

    assert len(key.reveal()) >= 48
    assert settings.signing_key() == key
    assert stat.S_IMODE((tmp_path / "s" / "secret.key").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "s").iterdir()] == ["secret.key"]


def test_processes_that_start_together_agree_on_one_key(tmp_path):
    settings = Settings.from_env({"CROSSDOCK_STATE": str(tmp_path / "s")})
    together, keys = threading.Barrier(8), []

    def start() -> None:
        together.wait()
        keys.append(settings.signing_key())

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(keys) == 8
    assert len(set(keys)) == 1
