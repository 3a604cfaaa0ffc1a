"""A line of the last hours as SVG; its figures stand in a table beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from markupsafe import Markup

_WIDTH: Final = 6
_GAP: Final = 2
_HEIGHT: Final = 28


def sparkline(counts: Sequence[int], label: str) -> Markup:
    """A bar for each count, the largest as high as the picture; none at all is a flat line."""
    most = max(counts, default=0) or 1
    bars = Markup("").join(
        Markup('<rect x="{}" y="{}" width="{}" height="{}"/>').format(
            place * (_WIDTH + _GAP), _HEIGHT - _height(count, most), _WIDTH, _height(count, most)
        )
        for place, count in enumerate(counts)
    )
    width = max(1, len(counts) * (_WIDTH + _GAP) - _GAP)
    return Markup(
        '<svg class="spark" viewBox="0 0 {} {}" width="{}" height="{}" role="img" aria-label="{}">{}</svg>'
    ).format(width, _HEIGHT, width, _HEIGHT, label, bars)


def _height(count: int, most: int) -> int:
    """What is not nothing can be seen."""
    return max(1, round(count / most * _HEIGHT)) if count == 0 else max(3, round(count / most * _HEIGHT))
