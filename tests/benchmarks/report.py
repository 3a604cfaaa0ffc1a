"""How every benchmark prints: one table of this run, then each goal with what was reached."""

from __future__ import annotations

import logging
import statistics

import structlog
from rich.console import Console
from rich.table import Table

#: A table that is cut by a pipe's 80 columns says nothing.
_WIDTH = 120


def console():
    """The terminal, for figures only: what runs in this process keeps its log to itself."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    plain = Console()
    return plain if plain.width >= _WIDTH else Console(width=_WIDTH)


def table(title, headings, rows):
    """The first heading is of texts, the others are of figures."""
    made = Table(title=title, title_justify="left")
    for number, heading in enumerate(headings):
        made.add_column(heading, justify="right" if number else "left", no_wrap=True)
    for row in rows:
        made.add_row(*("" if cell is None else str(cell) for cell in row))
    return made


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
