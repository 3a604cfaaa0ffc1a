"""The recorded exchanges of a real Odoo 19, and what of an answer is its shape."""

from __future__ import annotations

import dataclasses
import functools
import json
from typing import Any

from tests.shared import shared_path


@dataclasses.dataclass(frozen=True, slots=True)
class Recorded:
    """One exchange. `cut` where the recorder kept a part of a long body only."""

    name: str
    path: str
    method: str
    body: Any
    status: int
    answer: Any

    @property
    def cut(self) -> bool:
        return "more of the same shape" in json.dumps(self.body)


@functools.cache
def exchanges(folder: str) -> dict[str, Recorded]:
    """Number-and-name of the file -> what it holds."""
    found = {}
    for file in sorted(shared_path(f"captures/{folder}").glob("*.json")):
        told = json.loads(file.read_text())
        if not isinstance(told, dict) or "request" not in told or "status" not in told.get("response", {}):
            continue
        request, response = told["request"], told["response"]
        path = request["url"] if request["url"].startswith("/") else f"/{request['url']}"
        body = request.get("json", request.get("body"))
        found[file.stem] = Recorded(file.stem, path, request["method"], body, response["status"], response.get("body"))
    return found


def shape(value: Any) -> Any:
    """Keys and types; of a list, the shape of its first entry. False may stand for any value that is missing."""
    if isinstance(value, dict):
        return {name: shape(each) for name, each in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    if isinstance(value, bool) or value is None:
        return type(value).__name__
    return "number" if isinstance(value, int | float) else type(value).__name__
