"""`python -m tests.faultproxy TARGET [LISTEN]`: the proxy as a process, told what to do by lines of JSON on stdin.

    {"add": {"kind": "latency", "hold_s": 0.2}}     -> {"number": 1}
    {"remove": 1}  {"clear": true}  {"cut": true}   -> {}

Its first line says where it listens; it ends with its stdin.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from tests.faultproxy.proxy import FaultProxy, running_proxy
from tests.faultproxy.toxics import ToxicError, toxic_from_json


def _obey(proxy: FaultProxy, order: dict[str, Any]) -> dict[str, Any]:
    try:
        if "add" in order:
            return {"number": proxy.add(toxic_from_json(order["add"]))}
        if "remove" in order:
            proxy.remove(int(order["remove"]))
        elif "clear" in order:
            proxy.clear()
        elif "cut" in order:
            proxy.cut()
        else:
            return {"error": f"unknown order {sorted(order)}"}
    except ToxicError as error:
        return {"error": str(error)}
    return {}


def main(target: str, listen: str = "127.0.0.1:0") -> None:
    """Pass on until stdin ends."""
    with running_proxy(target, listen=listen) as proxy:
        _say({"listen": proxy.address})
        for line in sys.stdin:
            _say(_obey(proxy, json.loads(line)))


def _say(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
