"""What goes wrong when: a pure function of the seed, so that a run that went red can be had again."""

from __future__ import annotations

import dataclasses
import itertools
import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from tests.chaos.scale import LEASE_S, SETTLE_S

#: Nothing goes wrong in the first seconds (there is nothing yet) and in the last ones.
CALM_S: Final = 2.0
#: Between the beginnings of two faults.
PAUSE_S: Final = (0.6, 2.0)


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """One fault: when it begins, in seconds, and what it is."""

    at_s: float
    kind: str
    how: Mapping[str, Any]

    def __str__(self) -> str:
        how = ", ".join(f"{name} {value}" for name, value in self.how.items())
        return f"{self.at_s:6.1f} s  {self.kind:<18} {how}"


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """A whole run."""

    seed: int
    seconds: float
    database: str
    workers: int
    #: Whether the ERP refuses a second document with our key.
    enforces_keys: bool
    steps: tuple[Step, ...]

    def __str__(self) -> str:
        keys = "refuses a second document with a key" if self.enforces_keys else "takes every key twice"
        head = f"seed {self.seed}: {self.seconds:.0f} s on {self.database}, {self.workers} workers; the ERP {keys}"
        return "\n".join([head, *map(str, self.steps)])


#: A call that changes something in the ERP, and one that does in the shop: method and path of `connectors.sandbox`.
ERP_WRITES: Final = (
    ("POST", "/api/sales"),
    ("POST", "/api/sales/advance"),
    ("POST", "/api/parties"),
    ("POST", "/api/refunds"),
    ("POST", "/api/refunds/advance"),
    ("POST", "/api/payments"),
    ("POST", "/api/invoices/*"),
    ("PUT", "/api/sales/*"),
    ("POST", "/api/sales/*/cancel"),
    ("*", "/api/*"),
)
SHOP_WRITES: Final = (
    ("POST", "/wp-json/wc/v3/orders/*/fulfillments"),
    ("PUT", "/wp-json/wc/v3/orders/*"),
    ("POST", "/wp-json/wc/v3/orders/*/notes"),
    ("POST", "/wp-json/wc/v3/products/batch"),
    ("POST", "/wp-json/wc/v3/products/*/variations/batch"),
    ("*", "/wp-json/wc/v3/*"),
)


def make_plan(seed: int, *, seconds: float, database: str = "sqlite", workers: int = 2) -> Plan:
    """The same for the same arguments, on every machine."""
    dice = random.Random(f"{seed}/{float(seconds)}/{database}/{workers}")
    decks = [_Deck(_PROCESSES, dice), _Deck({**_AROUND, **_DATABASES[database]}, dice)]
    return Plan(
        seed=seed,
        seconds=seconds,
        database=database,
        workers=workers,
        enforces_keys=bool(seed % 2),
        steps=tuple(_steps(dice, seconds, decks, workers)),
    )


_Draw = Callable[[random.Random, int], Mapping[str, Any]]


class _Deck:
    """Kinds of faults: each is drawn before any comes again, in an order of the seed's."""

    def __init__(self, kinds: Mapping[str, _Draw], dice: random.Random):
        self._kinds, self._dice = kinds, dice
        self._waiting: list[str] = []

    def draw(self, at_s: float, workers: int) -> Step:
        if not self._waiting:
            self._waiting = sorted(self._kinds)
            self._dice.shuffle(self._waiting)
        kind = self._waiting.pop()
        return Step(round(at_s, 2), kind, self._kinds[kind](self._dice, workers))


def _steps(dice: random.Random, seconds: float, decks: list[_Deck], workers: int) -> Iterator[Step]:
    """What befalls a process of ours, and what befalls the rest, in turn."""
    at_s = CALM_S
    for deck in itertools.cycle(decks):
        if at_s >= seconds - CALM_S:
            return
        step = deck.draw(at_s, workers)
        yield step
        at_s += dice.uniform(*PAUSE_S)
        if step.kind == "clock":
            # Who was asked while the clock was wrong says wrong things of when it asked: nothing else meanwhile.
            at_s += step.how["for_s"]


def _nothing(_dice: random.Random, _workers: int) -> Mapping[str, Any]:
    return {}


def _short(dice: random.Random, _workers: int) -> Mapping[str, Any]:
    return {"for_s": round(dice.uniform(1.0, 4.0), 1)}


def _process(*names: str) -> _Draw:
    return lambda dice, _: {"who": dice.choice(names)}


def _worker(dice: random.Random, workers: int) -> Mapping[str, Any]:
    return {"who": f"{dice.choice(('worker', 'horse'))}-{dice.randint(1, workers)}"}


def _longer_than_a_lease(dice: random.Random, _workers: int) -> Mapping[str, Any]:
    return {"for_s": round(LEASE_S * dice.uniform(1.2, 1.8), 1)}


def _sleeper(dice: random.Random, workers: int) -> Mapping[str, Any]:
    return {"who": f"horse-{dice.randint(1, workers)}", **_longer_than_a_lease(dice, workers)}


def _line(dice: random.Random, _workers: int) -> Mapping[str, Any]:
    """One of the seven toxics, on one of the lines."""
    toxic: dict[str, Any] = dice.choice(
        (
            {"kind": "latency", "hold_s": 0.2, "jitter_s": 0.5},
            {"kind": "bandwidth", "bytes_per_s": 4000},
            {"kind": "slow_close", "hold_s": 1.0},
            {"kind": "timeout"},
            {"kind": "reset", "probability": 0.5},
            {"kind": "slice", "piece_bytes": 7, "hold_s": 0.002},
            {"kind": "limit", "limit_bytes": dice.choice((0, 300, 5000))},
        )
    )
    direction = dice.choice(("up", "down", "both"))
    return {"on": dice.choice(("erp", "shop", "queue")), **_short(dice, 0), "toxic": {**toxic, "direction": direction}}


def _reply(writes: tuple[tuple[str, str], ...]) -> _Draw:
    """What is done to some calls of a sandbox, now and once more a moment later."""
    late_s = SETTLE_S - 0.6

    def draw(dice: random.Random, _workers: int) -> Mapping[str, Any]:
        method, path = dice.choice(writes)
        script: dict[str, Any] = dice.choice(
            (
                {"kind": "commit_then_drop"},
                {"kind": "commit_then_hang", "hold_s": 2.5},
                {"kind": "commit_then_status", "status": dice.choice((500, 502, 504))},
                {"kind": "drop_then_commit", "after_s": round(dice.uniform(0.2, late_s), 1)},
                {"kind": "hang_then_commit", "after_s": late_s, "hold_s": 2.5},
                {"kind": "drip", "interval_s": 0.05},
                {"kind": "truncate"},
                {"kind": "html"},
                {"kind": "status", "status": dice.choice((429, 500, 503)), "retry_after": dice.choice((None, "1"))},
                {"kind": "reset"},
            )
        )
        return {**script, "method": method, "path": path, "count": dice.randint(1, 4)}

    return draw


def _storm(dice: random.Random, workers: int) -> Mapping[str, Any]:
    return {"status": dice.choice((500, 502, 503)), **_short(dice, workers)}


def _clock(dice: random.Random, _workers: int) -> Mapping[str, Any]:
    return {"offset_s": dice.choice((-20, -5, 5, 20)), "for_s": round(dice.uniform(1.0, 3.0), 1)}


_PROCESSES: Final[Mapping[str, _Draw]] = {
    "kill": _worker,
    "kill again": _worker,
    "kill web": _process("web", "web-worker"),
    "kill scheduler": _process("scheduler"),
    "kill run": _process("run"),
    "stop": _sleeper,
    "stop again": _sleeper,
    "stop scheduler": _longer_than_a_lease,
    "stop before a call": _longer_than_a_lease,
    "stop before a call again": _longer_than_a_lease,
    "kill before a call": _nothing,
    "kill before a call again": _nothing,
}
_AROUND: Final[Mapping[str, _Draw]] = {
    "kill sandbox": lambda dice, _: {"who": dice.choice(("erp", "shop")), "for_s": round(dice.uniform(0.2, 2.0), 1)},
    "queue killed": _short,
    "queue emptied": _nothing,
    "queue full": _short,
    "queue hangs": _short,
    "line": _line,
    "line again": _line,
    "erp reply": _reply(ERP_WRITES),
    "erp reply again": _reply(ERP_WRITES),
    "erp reply once more": _reply(ERP_WRITES),
    "shop reply": _reply(SHOP_WRITES),
    "shop reply again": _reply(SHOP_WRITES),
    "erp storm": _storm,
    # In maintenance it asks for ten minutes, and gets them, unless somebody says that it is over.
    "shop down": lambda dice, _: {"mode": dice.choice(("database-down", "maintenance")), **_short(dice, 0)},
    "shop clock": lambda dice, _: {"offset_s": dice.choice((-600, -30, 30, 600))},
    "clock": _clock,
    "flood": lambda dice, _: {"deliveries": dice.randint(20, 60)},
}
_DATABASES: Final[Mapping[str, Mapping[str, _Draw]]] = {
    "sqlite": {"database locked": lambda dice, _: {"for_s": round(dice.uniform(1.0, 6.0), 1)}},
    "postgresql": {
        "database restarted": lambda dice, _: {"how": dice.choice(("fast", "immediate", "kill"))},
        "database line": lambda dice, _: {
            "on": "database",
            **_short(dice, 0),
            "toxic": dice.choice(
                (
                    {"kind": "latency", "hold_s": 0.05, "jitter_s": 0.1, "direction": "down"},
                    {"kind": "reset", "probability": 0.3, "direction": "both"},
                    {"kind": "limit", "limit_bytes": 20_000, "direction": "down"},
                )
            ),
        },
    },
}
