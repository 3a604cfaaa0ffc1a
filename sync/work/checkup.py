"""The check-up of the queue: its server, and whether anybody works off what is rung for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from config.model import Config
from config.settings import Settings
from connectors.kit.findings import N_, Finding, fail, ok, unknown, warn
from sync.desk.phrases import quote, say
from sync.work.valkey import NoServer, RedisProblem, check_redis, find_server
from sync.work.vitals import look_once

CHECKS: Final[Mapping[str, str]] = {
    "queue.server": N_("the queue's server answers, and is new enough"),
    "queue.policy": N_("it throws nothing away when its memory is full"),
    "queue.persistence": N_("it keeps the queue over a restart"),
    "queue.memory": N_("it has memory left"),
    "queue.clock": N_("its clock and ours agree"),
    "queue.workers": N_("workers are alive"),
}
#: Check -> the causes of `sync.work.valkey` that belong to it, and what is said when none of them is there.
_CAUSES: Final[Mapping[str, tuple[frozenset[str], str]]] = {
    "queue.server": (frozenset({"unreachable", "refused", "version", "role"}), say("it answers")),
    "queue.policy": (frozenset({"policy", "unknown"}), quote("maxmemory-policy noeviction")),
    "queue.persistence": (frozenset({"aof", "aof_write"}), say("it writes an append-only file")),
    "queue.memory": (frozenset({"memory"}), say("less than its warning mark is used")),
    "queue.clock": (frozenset({"clock"}), say("the clocks agree")),
}
_AWAY: Final = frozenset({"unreachable", "refused"})


def check_queue(settings: Settings) -> Iterator[Finding]:
    """Every check; only the first where the server does not answer."""
    problems = check_redis(settings.redis_url)
    if away := [problem for problem in problems if problem.cause in _AWAY]:
        yield _away(settings, away[0])
        return
    for check, (causes, good) in _CAUSES.items():
        mine = [problem for problem in problems if problem.cause in causes]
        yield _judged(check, mine[0]) if mine else ok(check, good)
    yield _workers(settings)


def _judged(check: str, problem: RedisProblem) -> Finding:
    """These texts hold found and next step in one."""
    return fail(check, problem.text, "") if problem.fatal else warn(check, problem.text, "")


def _away(settings: Settings, problem: RedisProblem) -> Finding:
    """Where we supervise the server ourselves, it is there whenever Crossdock is."""
    check = "queue.server"
    if not settings.supervise_redis:
        return _judged(check, problem)
    try:
        program = find_server()
    except NoServer as error:
        return fail(check, say("there is no server to start"), str(error))
    return warn(
        check,
        say("it does not run"),
        say("start Crossdock, and it is started with it (%(program)s): crossdock run", program=program),
    )


def _workers(settings: Settings) -> Finding:
    # Without connections: their rate budgets are no business of this check.
    check, seen = (
        "queue.workers",
        look_once(settings, Config(folder=settings.config_folder, connections={}, channels={})),
    )
    if not seen.answers:
        return unknown(check, say("Redis did not say"), say("run the check-up again"))
    if not seen.living:
        return fail(
            check, say("none: nothing is worked off"), say("start Crossdock: crossdock run, or crossdock worker")
        )
    return ok(check, say("%(living)s alive", living=seen.living))
