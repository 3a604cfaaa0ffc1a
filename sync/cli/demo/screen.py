"""What the demo shows while it works: steps that are ticked off, and a line for each channel."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeRemainingColumn

from sync.cli.demo.counts import Counts

#: How often the counts are printed where no terminal shows them live.
_PLAIN_EVERY_S: Final = 10.0

Say = Callable[[str], None]


class Screen:
    """Everything but the proof goes to stderr."""

    def __init__(self, console: Console) -> None:
        self._console = console

    @contextlib.contextmanager
    def step(self, text: str) -> Iterator[Say]:
        """One step with the time that it took; what is told meanwhile is shown beside it."""
        begun = time.monotonic()
        with self._console.status(text) as status:
            yield lambda more: status.update(f"{text} [dim]{escape(more)}[/]")
        self._console.print(f"[green]✓[/] {text} [dim]{time.monotonic() - begun:.1f} s[/]")

    def note(self, text: str) -> None:
        """Something happened."""
        self._console.print(f"  [yellow]·[/] {text}")

    def say(self, text: str) -> None:
        """A line of its own."""
        self._console.print(text)

    @contextlib.contextmanager
    def counting(self, channels: Mapping[str, str]) -> Iterator[Counter]:
        """A live line for each channel (name -> what it is called)."""
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[counts]}"),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=self._console, transient=True, disable=not self._console.is_terminal) as bar:
            tasks = {name: bar.add_task(title, total=None, counts="") for name, title in channels.items()}
            yield Counter(self, bar, tasks, channels)


class Counter:
    """The live lines."""

    def __init__(self, screen: Screen, bar: Progress, tasks: Mapping[str, TaskID], channels: Mapping[str, str]) -> None:
        self._screen, self._bar, self._tasks, self._channels = screen, bar, tasks, channels
        self._printed = time.monotonic()

    def show(self, counts: Mapping[str, Counts]) -> None:
        """Show where each channel stands."""
        for name, task in self._tasks.items():
            found = counts[name]
            self._bar.update(task, total=found.placed, completed=found.in_erp + found.held, counts=str(found))
        if self._bar.disable and time.monotonic() - self._printed > _PLAIN_EVERY_S:
            self._printed = time.monotonic()
            for name, title in self._channels.items():
                self._screen.say(f"  {title}: {counts[name]}")
