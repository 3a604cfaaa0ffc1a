"""How every benchmark prints: one table of this run, then each goal with what was reached."""

from __future__ import annotations

import logging
import statistics

import structlog
from rich.console import Console
from rich.table import Table

#: A table that is cut by a pipe's 80 columns says little.
_WIDTH = 140


def console():
    """The terminal, for figures only: what runs in this process keeps its log to itself."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    plain = Console()
    return plain if plain.width >= _WIDTH else Console(width=_WIDTH)


def table(title, headings, rows):
    """Columns of figures stand to the right."""
    made = Table(title=title, title_justify="left")
    texts = [
        all(isinstance(row[number], str | None) and not _is_figure(row[number]) for row in rows)
        for number in range(len(headings))
    ]
    for heading, is_text in zip(headings, texts, strict=True):
        made.add_column(heading, justify="left" if is_text else "right", no_wrap=True)
    for row in rows:
        made.add_row(*("" if cell is None else str(cell) for cell in row))
    return made


def _is_figure(cell):
    return bool(cell) and cell[0].isdigit()


def goal(name, reached, sign, aim, *, unit=""):
    """One line: what was reached, what was to be reached, and whether it was."""
    good = reached <= aim if sign == "<=" else reached >= aim
    figure = f"{reached:,.2f}" if reached < 100 else f"{reached:,.0f}"
    return f"  {'reached' if good else ' MISSED'}  {name}: {figure}{unit}, goal {sign} {aim:,}{unit}"


def median(runs, name):
    """Of one field of some runs; None where they have none."""
    values = [getattr(run, name) for run in runs]
    return None if values[0] is None else statistics.median(values)


def ratio(value, base):
    return None if value is None or not base else f"{value / base:.2f}"
