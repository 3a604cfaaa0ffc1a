"""`python -m tests.chaos`: see docs/chaos.md."""

from __future__ import annotations

import argparse
import signal
import sys
import time

from tests.boundaries.removals import REMOVALS
from tests.chaos.plan import Plan, make_plan
from tests.chaos.recovery import BOUND_S, BOUND_WITH_INTENT_S
from tests.chaos.run import Result, ServiceError, keep, orders_in, run
from tests.chaos.services import scratch
from tests.shared import REPOSITORY


def main(arguments: list[str] | None = None) -> int:
    """0 when the checker finds nothing."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seconds", type=float, default=90.0, help="of load and faults; healing comes on top")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--plan", action="store_true", help="only say what would go wrong when")
    parser.add_argument("--quiet", action="store_true", help="only say how it ended")
    parser.add_argument("--keep", action="store_true", help="leave the run's folder where it is, also of a green one")
    parser.add_argument("--removed", choices=sorted(REMOVALS), default="", help="take a safeguard out: must go red")
    given = parser.parse_args(arguments)
    plan = make_plan(given.seed, seconds=given.seconds, database=given.database, workers=given.workers)
    if given.plan:
        sys.stdout.write(f"{plan}\n")
        return 0
    # Asked to end, a run still ends what it has started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))
    return _run(plan, quiet=given.quiet, keep_folder=given.keep, removed=given.removed)


def _run(plan: Plan, *, quiet: bool, keep_folder: bool, removed: str) -> int:
    _say(str(plan).partition("\n")[0])
    begun = time.monotonic()
    with scratch(keep=keep_folder) as folder:
        if keep_folder:
            _say(f"in {folder}")

        def tell(text: str) -> None:
            _say(f"[{time.monotonic() - begun:5.1f}] {text}")

        try:
            result = run(plan, folder, (lambda _: None) if quiet else tell, removed=removed)
        except ServiceError as error:
            _say(f"the run itself failed: {error}")
            return 2
        _report(result, time.monotonic() - begun)
        if result.faults:
            _say(f"kept in {keep(result, REPOSITORY / 'var' / 'chaos')}")
    return 1 if result.faults else 0


def _report(result: Result, seconds: float) -> None:
    _say(f"\n{orders_in(result.folder / 'shop.jsonl')} orders in the shop")
    for heading, counts in result.counts.items():
        _say(f"{heading}: " + ", ".join(f"{name} {count}" for name, count in sorted(counts.items())))
    plain, doubts = result.recovery.plain_s, result.recovery.in_doubt_s
    _say(
        f"work of a killed worker: {len(plain)} documents free again within {max(plain, default=0):.1f} s "
        f"(allowed {BOUND_S:.1f}), {len(doubts)} in doubt settled within {max(doubts, default=0):.1f} s "
        f"(allowed {BOUND_WITH_INTENT_S:.1f}), all worked off within {result.recovery.worked_off_s:.1f} s"
    )
    _say(f"quiet {result.quiet_s:.1f} s after everything was well again; {seconds:.0f} s in all")
    for fault in result.faults:
        _say(f"FAULT {fault}")
    _say("nothing lost, nothing doubled" if not result.faults else f"{len(result.faults)} faults")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
