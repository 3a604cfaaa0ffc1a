"""The environment variables, each declared once: name, meaning, default, and how its text is read."""

from __future__ import annotations

import dataclasses
import os
import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from config.model import NO_SECRET, Secret
from config.problems import did_you_mean, one_of, shown
from config.sockets import MAX_SOCKET_BYTES

PREFIX: Final = "CROSSDOCK_"
LOG_LEVELS: Final = ("debug", "info", "warning", "error")
LOG_FORMATS: Final = ("auto", "console", "json")
_MAX_WORKERS: Final = 64
_MAX_WEB_PROCESSES: Final = 32
_MAX_WEB_THREADS: Final = 256
_MAX_HOPS: Final = 8
#: 64 MiB: more would have to be kept in memory, once for every request at a time.
_MAX_BODY_KIB: Final = 65_536
_MAX_PORT: Final = 65_535
#: A shorter key can be guessed.
_MIN_KEY_CHARS: Final = 32
_MIN_TOKEN_CHARS: Final = 16

#: The nightly comparison and the proof look back a month.
_MIN_DAYS: Final = 31
_MAX_DAYS: Final = 36_500
#: Class of what is kept, its days, and what it is: of orders that are finished, with nothing open about them.
KEPT: Final = (
    ("payloads", 180, "orders and articles as the shop sent them"),
    ("calls", 60, "requests and answers as they went over the wire"),
    ("history", 730, "tries, writes and causes that have ended"),
    ("audit", 3650, "the notes of who changed what"),
)


class Refused(Exception):
    """A variable cannot be used. `found` never shows what a secret variable holds."""

    def __init__(self, found: str, expected: str, next_step: str = "", *, variable: str = "") -> None:
        super().__init__(found)
        self.found, self.expected, self.next_step, self.variable = found, expected, next_step, variable


@dataclasses.dataclass(frozen=True, slots=True)
class Listen:
    """Where the web process listens; port 0 takes a free one."""

    host: str
    port: int


def _folder(text: str) -> Path:
    return Path(text).expanduser()


def _state_folder(text: str) -> Path:
    # Absolute, because the processes that `crossdock run` starts may stand elsewhere.
    return Path(text).expanduser().absolute()


def _listen(text: str) -> Listen:
    host, separator, port = text.rpartition(":")
    bare = host.removeprefix("[").removesuffix("]")
    readable = separator and bare and re.fullmatch(r"[0-9]{1,5}", port) and int(port) <= _MAX_PORT
    if not readable or (":" in bare and bare == host):
        raise Refused(shown(text), f"HOST:PORT with a port from 0 to {_MAX_PORT}, e.g. 127.0.0.1:8080 or [::1]:8080")
    return Listen(bare, int(port))


def _public_url(text: str) -> str:
    parts = _split(text)
    plain = parts.scheme in {"http", "https"} and parts.hostname and "@" not in parts.netloc
    if not plain or parts.query or parts.fragment or re.search(r"\s", text):
        raise Refused("another kind of address", "http(s)://HOST[:PORT][/PATH] without user, query and fragment")
    return text.rstrip("/")


def _database_url(text: str) -> Secret:
    scheme, _, rest = text.partition("://")
    if scheme == "sqlite" and rest.startswith("/") and rest.strip("/") and ":memory:" not in rest:
        return Secret(text)
    if scheme in {"postgresql", "postgresql+psycopg"} and rest:
        _split(text)
        return Secret(text)
    raise Refused(_kind(scheme, rest), "sqlite:///PATH of a file, or postgresql://USER:PASSWORD@HOST:PORT/NAME")


def _redis_url(text: str) -> Secret:
    parts = _split(text)
    if parts.scheme == "unix" and parts.path.startswith("/"):
        size = len(os.fsencode(parts.path))
        if size > MAX_SOCKET_BYTES:
            step = "put the socket into a folder with a shorter path"
            raise Refused(f"a socket path of {size} bytes", f"at most {MAX_SOCKET_BYTES}", step)
        return Secret(text)
    if parts.scheme in {"redis", "rediss"} and parts.hostname:
        return Secret(text)
    raise Refused(
        _kind(*text.partition("://")[::2]), "unix:///PATH of a socket, redis://HOST:PORT/0, or rediss:// for TLS"
    )


def _kind(scheme: str, rest: str) -> str:
    """What a refused URL looks like, without what may be its password."""
    return (
        f"a URL of the kind {scheme}://..." if rest and re.fullmatch(r"[a-z0-9+]+", scheme) else "another kind of text"
    )


def _split(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        raise Refused("an address that cannot be read", "a URL with a valid host and port") from None
    return parts


def _whole_number(least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,6}", text) or not least <= int(text) <= most:
            raise Refused(shown(text), f"a whole number from {least} to {most}")
        return int(text)

    return parse


def _days(text: str) -> int:
    days = _whole_number(0, _MAX_DAYS)(text)
    if 0 < days < _MIN_DAYS:
        raise Refused(shown(text), f"0 for ever, or a whole number from {_MIN_DAYS} to {_MAX_DAYS}")
    return days


def _kibibytes(text: str) -> int:
    return _whole_number(1, _MAX_BODY_KIB)(text) * 1024


def _hosts(text: str) -> tuple[str, ...]:
    hosts = tuple(host.strip().casefold() for host in text.split(","))
    for host in hosts:
        if not re.fullmatch(r"\.?[a-z0-9]([a-z0-9.-]{0,252}[a-z0-9])?|\[[0-9a-f:.]+\]", host):
            raise Refused(shown(host), "host names without port, with commas between them")
    return hosts


def _choice(known: tuple[str, ...]) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text.casefold() not in known:
            raise Refused(shown(text), one_of(known), did_you_mean(text, known))
        return text.casefold()

    return parse


def _language(text: str) -> str:
    code = text.replace("-", "_")
    if not re.fullmatch(r"[a-z]{2,3}(_[A-Z][a-z]{3})?(_([A-Z]{2}|[0-9]{3}))?", code):
        raise Refused(shown(text), "the code of a language, e.g. de or pt-BR")
    return code


def _secret_key(text: str) -> Secret:
    if len(text) < _MIN_KEY_CHARS:
        step = "make one with: python -c 'import secrets; print(secrets.token_urlsafe(48))'"
        raise Refused("a short text", f"at least {_MIN_KEY_CHARS} characters", step)
    return Secret(text)


def _token(text: str) -> Secret:
    if len(text) < _MIN_TOKEN_CHARS or not re.fullmatch(r"[A-Za-z0-9._~+/=-]+", text):
        step = "make one with: python -c 'import secrets; print(secrets.token_urlsafe(32))'"
        raise Refused("another kind of text", f"at least {_MIN_TOKEN_CHARS} letters, digits and ._~+/=-", step)
    return Secret(text)


def _instance(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,63}", text):
        raise Refused(shown(text), "a name of a-z, 0-9, _ and -, at most 64 characters")
    return text


def _node(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", text):
        raise Refused(shown(text), "a name of A-Z, a-z, 0-9, . _ and -, at most 64 characters")
    return text


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """One environment variable."""

    name: str
    #: The field of `Settings` that it fills.
    field: str
    parse: Callable[[str], Any]
    description: str
    example: str
    #: Read like a given text; `{state}` is the state folder, `{socket}` the URL of the queue in it. None: see `unset`.
    default: str | None = None
    unset: Any = None
    #: How the default reads in the documentation where `default` does not say it.
    default_shown: str = ""
    #: May hold a password: never shown, and `<name>_FILE` may name a file that holds it.
    secret: bool = False


#: In the order in which they are read: a default may use the state folder.
VARIABLES: Final = (
    Variable(
        name="CROSSDOCK_CONFIG",
        field="config_folder",
        parse=_folder,
        default="config/local",
        description="Folder with the YAML files that declare connections and channels.",
        example="/etc/crossdock",
    ),
    Variable(
        name="CROSSDOCK_STATE",
        field="state_folder",
        parse=_state_folder,
        default="var",
        description="Folder for what Crossdock itself writes: the SQLite database, the queue's files, the signing key.",
        example="/var/lib/crossdock",
    ),
    Variable(
        name="CROSSDOCK_DATABASE",
        field="database_url",
        parse=_database_url,
        default="sqlite:///{state}/crossdock.db",
        secret=True,
        description="The system of record: a SQLite file, or PostgreSQL 15 or newer.",
        example="postgresql://crossdock:PASSWORD@db.internal:5432/crossdock",
    ),
    Variable(
        name="CROSSDOCK_REDIS",
        field="redis_url",
        parse=_redis_url,
        default="{socket}",
        default_shown="`unix://{state}/valkey.sock`, or a socket under `/tmp` where that path would be too long",
        secret=True,
        description="The queue: Redis or Valkey with AOF on and `noeviction`. "
        "Where it is not set, `crossdock run` starts and supervises a server of its own.",
        example="rediss://:PASSWORD@queue.internal:6379/0",
    ),
    Variable(
        # One variable for both: Kubernetes sets CROSSDOCK_WEB_PORT=tcp://... for a service called crossdock-web.
        name="CROSSDOCK_LISTEN",
        field="listen",
        parse=_listen,
        default="127.0.0.1:8080",
        description="Address and port on which the web process listens. Port 0 takes a free one.",
        example="0.0.0.0:8080",
    ),
    Variable(
        name="CROSSDOCK_PUBLIC_URL",
        field="public_url",
        parse=_public_url,
        unset="",
        default_shown="none: webhook subscriptions are not set up, shops are polled",
        description="Address under which shops reach the web process; webhooks come to `/webhooks/<connection>` there.",
        example="https://dock.example",
    ),
    Variable(
        name="CROSSDOCK_TRUSTED_HOSTS",
        field="trusted_hosts",
        parse=_hosts,
        unset=(),
        default_shown="none: requests for any host name are answered",
        description="Host names under which the web process answers; requests for others get 400.",
        example="dock.example, .internal.example",
    ),
    Variable(
        name="CROSSDOCK_PROXY_HOPS",
        field="proxy_hops",
        parse=_whole_number(0, _MAX_HOPS),
        default="0",
        description="How many reverse proxies stand in front of the web process and write X-Forwarded-* headers; "
        "0 believes none of these headers.",
        example="1",
    ),
    Variable(
        name="CROSSDOCK_MAX_BODY_KIB",
        field="max_body_bytes",
        parse=_kibibytes,
        default="1024",
        description="Larger requests are refused with 413; for a webhook, its shop is polled instead.",
        example="4096",
    ),
    Variable(
        name="CROSSDOCK_WEB_PROCESSES",
        field="web_processes",
        parse=_whole_number(1, _MAX_WEB_PROCESSES),
        default="1",
        description=f"Web processes, 1 to {_MAX_WEB_PROCESSES}. One takes in hundreds of webhooks a second.",
        example="2",
    ),
    Variable(
        name="CROSSDOCK_WEB_THREADS",
        field="web_threads",
        parse=_whole_number(1, _MAX_WEB_THREADS),
        default="32",
        description=f"Requests that one web process works on at a time, 1 to {_MAX_WEB_THREADS}. Webhooks that wait "
        "together for the disk are committed together, so more of them help where the disk is slow.",
        example="64",
    ),
    Variable(
        name="CROSSDOCK_WORKERS",
        field="workers",
        parse=_whole_number(1, _MAX_WORKERS),
        default="2",
        description=f"Worker processes that `crossdock run` starts, 1 to {_MAX_WORKERS}.",
        example="4",
    ),
    Variable(
        name="CROSSDOCK_LANGUAGE",
        field="language",
        parse=_language,
        default="en",
        description="Language of what is sent to people (alerts); English where there is no catalogue of it. "
        "The console follows each user or browser.",
        example="zh-CN",
    ),
    Variable(
        name="CROSSDOCK_LOG_LEVEL",
        field="log_level",
        parse=_choice(LOG_LEVELS),
        default="info",
        description=f"The least important lines that are still logged: {one_of(LOG_LEVELS)}.",
        example="debug",
    ),
    Variable(
        name="CROSSDOCK_LOG_FORMAT",
        field="log_format",
        parse=_choice(LOG_FORMATS),
        default="auto",
        description="`console` for people, `json` for machines, `auto`: console on a terminal, else json.",
        example="json",
    ),
    *(
        Variable(
            name=f"CROSSDOCK_KEEP_{name.upper()}_DAYS",
            field=f"keep_{name}_days",
            parse=_days,
            default=str(days),
            description=f"For how many days {what} are kept, at least {_MIN_DAYS}; 0 keeps them for ever.",
            example=str(days * 2),
        )
        for name, days, what in KEPT
    ),
    Variable(
        name="CROSSDOCK_SECRET_KEY",
        field="secret_key",
        parse=_secret_key,
        unset=NO_SECRET,
        default_shown="a random key, made once and kept in `secret.key` of the state folder",
        secret=True,
        description=f"Signs sessions and forms of the console; at least {_MIN_KEY_CHARS} characters, "
        "the same on all hosts of an installation.",
        example="the output of `python -c 'import secrets; print(secrets.token_urlsafe(48))'`",
    ),
    Variable(
        name="CROSSDOCK_METRICS_TOKEN",
        field="metrics_token",
        parse=_token,
        unset=NO_SECRET,
        default_shown="none: `/metrics` answers only people who are signed in",
        secret=True,
        description=f"What a monitoring system shows to read `/metrics` (`Authorization: Bearer ...`); at least "
        f"{_MIN_TOKEN_CHARS} characters.",
        example="the output of `python -c 'import secrets; print(secrets.token_urlsafe(32))'`",
    ),
    Variable(
        name="CROSSDOCK_INSTANCE",
        field="instance",
        parse=_instance,
        default="crossdock",
        description="Name of this installation: prefix of its keys in Redis, so that several can share one server.",
        example="crossdock-test",
    ),
    Variable(
        name="CROSSDOCK_NODE",
        field="node",
        parse=_node,
        unset=re.sub(r"[^A-Za-z0-9._-]", "-", socket.gethostname())[:64] or "node",
        default_shown="the host's name",
        description="Name of this host among those of the installation; leases and logs carry it.",
        example="worker-2",
    ),
)
