"""The settings of one process: the only reader of the environment.

What Crossdock connects and does stands in the configuration folder; here is only what a machine decides: where things
are, how they are reached, how much of it runs. `config.variables` declares each variable once.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Self

from config.model import Secret
from config.problems import ConfigError, Place, Problem, did_you_mean
from config.sockets import socket_url
from config.variables import PREFIX, VARIABLES, Listen, Refused, Variable

_PLACE: Final = Place("environment")
#: Kubernetes sets these in every container for a service whose name begins with `crossdock`; they are not ours.
_SERVICE_LINK = re.compile(r".*_(SERVICE_HOST|SERVICE_PORT|PORT)(_.*)?|PORT(_.*)?")


class Environment(Mapping[str, str]):
    """The variables of a process, read only; it never shows what they hold."""

    __slots__ = ("_variables",)

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = dict(variables)

    def __getitem__(self, name: str) -> str:
        return self._variables[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._variables)

    def __len__(self) -> int:
        return len(self._variables)

    def __repr__(self) -> str:
        return f"<{len(self)} variables>"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that one process needs to know before it reads the configuration folder."""

    #: May not exist: `load_config` says so, and `init`, `demo` and `mapping try` need none.
    config_folder: Path
    #: Absolute. Whoever writes into it first makes it.
    state_folder: Path
    #: SQLAlchemy URL; a Secret because it may hold a password.
    database_url: Secret
    #: `unix://...` or `redis://...`; a Secret because it may hold a password.
    redis_url: Secret
    #: No CROSSDOCK_REDIS is given: `crossdock run` starts and supervises a server on the socket of `redis_url`.
    supervise_redis: bool
    web_host: str
    #: 0 takes a free one.
    web_port: int
    #: Without a slash at its end; empty where shops cannot reach this installation.
    public_url: str
    #: Host names that are answered, a leading dot for all below one; empty answers any.
    trusted_hosts: tuple[str, ...]
    #: Reverse proxies in front of us whose X-Forwarded-* headers count.
    proxy_hops: int
    #: Larger requests get 413.
    max_body_bytes: int
    web_processes: int
    web_threads: int
    workers: int
    #: Of what is sent to people; the console follows each browser.
    language: str
    #: `debug`, `info`, `warning` or `error`.
    log_level: str
    #: `auto`, `console` or `json`.
    log_format: str
    #: For how many days each class of data is kept (`config.variables.KEPT`); 0 for ever.
    keep_payloads_days: int
    keep_calls_days: int
    keep_history_days: int
    keep_audit_days: int
    #: Empty where none is given; `signing_key()` is what signs.
    secret_key: Secret
    #: Reads `/metrics`; empty where only people may.
    metrics_token: Secret
    #: Name of this installation: prefix of its keys in Redis, first word of its logs.
    instance: str
    #: Name of this machine among those of the installation, for the holders of leases.
    node: str
    #: For the `${env:NAME}` of the configuration folder.
    environ: Environment = dataclasses.field(repr=False, compare=False)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Read and check all variables of `environ` (default: of this process). Raises ConfigError, all at once."""
        environment = Environment(os.environ if environ is None else environ)  # noqa: TID251 - this is the reader
        problems = _unknown(environment)
        values: dict[str, Any] = {}
        for variable in VARIABLES:
            try:
                values[variable.field] = _value(variable, environment, values)
            except Refused as refused:
                problems.append(
                    Problem(
                        _PLACE, refused.variable or variable.name, refused.found, refused.expected, refused.next_step
                    )
                )
        if problems:
            raise ConfigError(problems)
        listen: Listen = values.pop("listen")
        supervised = not (environment.get("CROSSDOCK_REDIS") or environment.get("CROSSDOCK_REDIS_FILE"))
        return cls(
            **values, web_host=listen.host, web_port=listen.port, supervise_redis=supervised, environ=environment
        )

    def signing_key(self) -> Secret:
        """What signs sessions and forms: CROSSDOCK_SECRET_KEY, else a key that the state folder keeps.

        The kept one is made on first use; processes that start together agree on one. Raises OSError.
        """
        if self.secret_key:
            return self.secret_key
        path = self.state_folder / "secret.key"
        if not path.exists():
            self.state_folder.mkdir(parents=True, exist_ok=True)
            _create_once(path, secrets.token_urlsafe(48))
        return Secret(path.read_text("ascii").strip())


def _create_once(path: Path, text: str) -> None:
    """Write a private file whole or not at all; whoever comes second leaves the first one's alone."""
    own = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(own, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        # A link appears with its whole content and refuses to replace; a rename would replace the first one's key.
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(own)
    finally:
        own.unlink()


def _value(variable: Variable, environment: Environment, earlier: Mapping[str, Any]) -> Any:
    """The parsed value; a variable that is set but empty (as compose files pass them on) counts as not set."""
    text = environment.get(variable.name, "")
    if variable.secret and (file := environment.get(f"{variable.name}_FILE", "")):
        if text:
            raise Refused("both this and " + f"{variable.name}_FILE", "one of them", "unset one of them")
        text = _file_text(variable, file)
    if not text:
        if variable.default is None:
            return variable.unset
        state: Path = earlier.get("state_folder", Path())
        return variable.parse(variable.default.format(state=state, socket=socket_url(state)))
    return variable.parse(text.strip())


def _file_text(variable: Variable, file: str) -> str:
    name = f"{variable.name}_FILE"
    try:
        text = Path(file).read_text("utf-8").strip()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise Refused(
            f"the file {file!r}, which cannot be read ({reason})", "a readable text file", variable=name
        ) from None
    if not text:
        raise Refused(f"the empty file {file!r}", "a file with the value", variable=name)
    return text


def _unknown(environment: Environment) -> list[Problem]:
    """Names that are nearly ours: a mistyped CROSSDOCK_DATABASE must not end in a fresh, empty database."""
    known = {variable.name.removeprefix(PREFIX) for variable in VARIABLES}
    files = {f"{variable.name.removeprefix(PREFIX)}_FILE" for variable in VARIABLES if variable.secret}
    problems = []
    for name in environment:
        word = name.removeprefix(PREFIX)
        if word == name or word in known | files or _SERVICE_LINK.fullmatch(word):
            continue
        if hint := did_you_mean(word, known, prefix=PREFIX, cutoff=0.7):
            next_step = f"{hint} (a variable of your own needs a name that does not begin with {PREFIX})"
            problems.append(Problem(_PLACE, name, "an unknown variable", next_step=next_step))
    return problems
