"""The icons: strokes on a 16 x 16 grid in the colour of the text around them. They repeat what a text says."""

from __future__ import annotations

from typing import Final

from markupsafe import Markup

_CIRCLE: Final = "M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8"
_PATHS: Final = {
    "alert": "M8 2 1.5 13.5h13zM8 6.5v3.2M8 11.7v.1",
    "bell": "M4 11V7a4 4 0 0 1 8 0v4l1.2 1.5H2.8zM6.7 14h2.6",
    "box": "M2 4.8 8 2l6 2.8v6.4L8 14l-6-2.8zM2 4.8l6 2.7 6-2.7M8 7.5V14",
    "check": "m3 8.5 3.3 3.3L13 5",
    "chevron": "m4 6 4 4 4-4",
    "clock": f"{_CIRCLE}M8 4.6V8l2.3 1.6",
    "download": "M8 2v8m-3-3 3 3 3-3M2.5 13.5h11",
    "external": "M9.5 2.5h4v4m0-4L7.5 8.5M6 3.5H2.5v10h10V10",
    "file": "M4 2h5l3 3v9H4zM9 2v3h3",
    "gauge": "M2.4 12a6.2 6.2 0 1 1 11.2 0M8 9.5l2.6-3.3",
    "hand": f"{_CIRCLE}M8 4.6v4M8 11v.1",
    "history": "M2 8a6 6 0 1 0 2-4.5L2.3 5M2.3 2v3h3M8 5v3.2l2.2 1.3",
    "home": "M2 7.5 8 2l6 5.5M3.7 6.2V14h8.6V6.2M6.6 14v-4h2.8v4",
    "info": f"{_CIRCLE}M8 7.4v3.8M8 4.8v.1",
    "key": "M5 7.5a3 3 0 1 0 0 6 3 3 0 0 0 0-6M7.2 8.3 13.5 2M11 4.5l2.3 2.3",
    "link": "M6.5 9.5 9.5 6.5M7 4.5l1.6-1.6a3.2 3.2 0 0 1 4.5 4.5L11.5 9M9 11.5l-1.6 1.6a3.2 3.2 0 0 1-4.5-4.5L4.5 7",
    "list": "M5.5 4h8M5.5 8h8M5.5 12h8M2.4 4h.1M2.4 8h.1M2.4 12h.1",
    "minus": "M3.5 8h9",
    "pause": "M5.5 3.5v9M10.5 3.5v9",
    "play": "M5 3.2v9.6L12.5 8z",
    "plug": "M5.5 2v3.5M10.5 2v3.5M3.5 5.5h9V8A4.5 4.5 0 0 1 8 12.5 4.5 4.5 0 0 1 3.5 8zM8 12.5V15",
    "pulse": "M1.5 8.5h3l2-5 3 9 2-4h3",
    "question": f"{_CIRCLE}M6.3 6.2a1.8 1.8 0 1 1 2.5 1.7c-.6.3-.8.6-.8 1.2M8 11.4v.1",
    "search": "M7 2.2a4.8 4.8 0 1 0 0 9.6 4.8 4.8 0 0 0 0-9.6M10.5 10.5 14 14",
    "sync": "M13.5 6.5A5.8 5.8 0 0 0 3 5M2.5 9.5A5.8 5.8 0 0 0 13 11M3 2v3h3M13 14v-3h-3",
    "table": "M2 3h12v10H2zM2 6.3h12M2 9.6h12M6.5 3v10",
    "user": "M8 2.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6M2.8 14a5.2 5.2 0 0 1 10.4 0",
    "users": "M6 3a2.4 2.4 0 1 0 0 4.8A2.4 2.4 0 0 0 6 3M1.5 13.5a4.5 4.5 0 0 1 9 0"
    "M10.5 3.2a2.3 2.3 0 0 1 0 4.4M12 9.6a4.4 4.4 0 0 1 2.5 3.9",
}


def icon(name: str) -> Markup:
    """One icon, hidden from screen readers. Raises KeyError for a name that does not exist."""
    return Markup(
        '<svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">'
        '<path d="{}"/></svg>'
    ).format(_PATHS[name])
