"""`python -m tests.boundaries.driver`: cases on stdin, one JSON object a line; their runs on stdout, one line a case.

A case may be tried alone to see what happens at one boundary, and its folder is kept where a run had faults:

    echo '{"blow": "kill", "only": [17]}' | python -m tests.boundaries.driver
"""

from __future__ import annotations

import collections
import dataclasses
import gc
import itertools
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from connectors.sandbox.erp.products import default_products
from tests.boundaries import forks, run, stories, world
from tests.boundaries.cases import Case
from tests.boundaries.erps import prepare_books
from tests.boundaries.lanes import Lanes
from tests.boundaries.run import Outcome, Run

#: Processes are killed here, never the machine: nothing is lost, and a commit costs nothing.
MEMORY = Path("/dev/shm")
#: A boundary that no drain has.
_BEYOND = 10**6


class Driver:
    """Keeps everything warm that runs can share, and stays without threads, so that it can fork at any time."""

    def __init__(self, folder: Path, lanes: Lanes):
        self._folder = folder
        self._lanes = lanes
        self._databases = world.Databases(folder)
        self._books = folder / "prepared.jsonl"
        self._case_number = itertools.count(1)
        self._warm: list[Case] = []
        run.scale_time()
        # Kept by the process that asks, and each run's ERP asks in one of its own: so it is asked before any fork.
        default_products()
        if forks.wait(forks.fork(lambda: prepare_books(folder, f"email:{world.Entry(0, 'known').email}"))):
            raise RuntimeError("the ERP's books could not be prepared")

    def warm(self, case: Case) -> None:
        """Imports, compiled statements and schemas, once for all cases that differ only in what they are struck by."""
        kind = dataclasses.replace(case, only=(), blow="", removed="")
        if kind in self._warm:
            return
        self._warm.append(kind)
        if case.story:
            self._prepare(run.STORIES[case.story])
        self._databases.prepare(case)
        folder = self._new_folder("warm")
        run.log_to(folder / "drain.log")
        runner = Run(case, self._databases, self._books, folder, 0)
        runner.warm()
        # What is there now is never collected, so that children do not copy it page by page; they end before their own
        # garbage is worth a search.
        gc.freeze()
        gc.disable()

    def _prepare(self, story: type[stories.Story]) -> None:
        prepared = story.told(self._folder).exists()
        if not prepared and forks.wait(forks.fork(lambda: stories.prepare(story, self._folder))):
            raise RuntimeError(f"{story.name} could not be prepared")

    def try_case(self, case: Case) -> list[Outcome]:
        """One run for each boundary, until a drain gets through unharmed."""
        self.warm(case)
        name = f"case{next(self._case_number)}"
        if case.only:
            return self._try(case, name, case.only)
        # Where the boundaries end is not known before a run has come through: threads and the heart take turns.
        outcomes: list[Outcome] = []
        [first] = self._try(case, name, (_BEYOND,))
        end = len(first.crossed)
        begin = 1
        while not any(outcome.end == "whole" for outcome in outcomes):
            outcomes.extend(self._try(case, name, range(begin, end + 1)))
            begin, end = end + 1, end + 3
        return outcomes

    def _try(self, case: Case, name: str, numbers: Iterable[int]) -> list[Outcome]:
        """One run for each of these boundaries, several at once."""
        waiting = collections.deque(numbers)
        running: dict[int, Path] = {}
        outcomes: list[Outcome] = []
        while waiting or running:
            while waiting and (lane := self._lanes.take() if running else self._lanes.wait()) is not None:
                at = waiting.popleft()
                folder = self._new_folder(f"{name}-{at}")
                running[self._start(case, folder, at)] = folder
                os.close(lane)
            pid, _ = os.wait()
            folder = running.pop(pid)
            outcomes.append(_read(folder))
            if not outcomes[-1].faults:
                shutil.rmtree(folder)
        return sorted(outcomes, key=lambda outcome: outcome.at)

    def _new_folder(self, name: str) -> Path:
        folder = self._folder / name
        folder.mkdir(exist_ok=True)
        return folder

    def _start(self, case: Case, folder: Path, at: int) -> int:
        def work() -> None:
            forks.complain_to(folder / "run.log")
            outcome = Run(case, self._databases, self._books, folder, at)()
            (folder / "outcome.json").write_text(json.dumps(dataclasses.asdict(outcome)))

        return forks.fork(work)


def _read(folder: Path) -> Outcome:
    file = folder / "outcome.json"
    if file.exists():
        return Outcome(**json.loads(file.read_text()))
    return Outcome(0, end="broken", faults=[(folder / "run.log").read_text()[-4000:]])


def case_from_json(text: str) -> Case:
    values = json.loads(text)
    return Case(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})


def main(lines: Iterator[str], lanes: Path | None = None) -> None:
    """`lanes` is where several drivers agree on how many runs go on at once."""
    folder = Path(tempfile.mkdtemp(prefix="crossdock-boundaries-", dir=MEMORY if MEMORY.is_dir() else None))
    driver = Driver(folder, Lanes(lanes or folder / "lanes"))
    keep = False
    for line in lines:
        begun = time.monotonic()
        outcomes = driver.try_case(case_from_json(line))
        keep = keep or any(outcome.faults for outcome in outcomes)
        runs = [dataclasses.asdict(outcome) for outcome in outcomes]
        answer = {"seconds": round(time.monotonic() - begun, 1), "folder": str(folder), "runs": runs}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    if not keep:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main(iter(sys.stdin.readline, ""), *map(Path, sys.argv[1:]))
