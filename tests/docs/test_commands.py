"""What the pages show is typed into a terminal, and must look as they show it.

Ports and the addresses of the reader's own systems are put in; everything else is taken as it stands.
"""

from __future__ import annotations

import contextlib
import json
import re
import socket
import time
from pathlib import Path

import pytest

from connectors.sandbox.tryton import running_tryton
from tests.docs.pages import TYPED, blocks, chains, looks_so, pages
from tests.docs.terminal import Stuck, Terminal

pytestmark = [pytest.mark.slow, pytest.mark.heavy, pytest.mark.loopback]

#: Of one command, on a machine that has other things to do as well.
_COMMAND_S = 60.0
_LOOK_S = 90.0


def test_every_block_that_is_typed_is_run_or_says_why_not():
    unclear = [
        block.where
        for page, text in pages().items()
        for block in blocks(page, text)
        if (block.language in TYPED or re.search(r"^\$ ", block.text, re.MULTILINE))
        and not (block.is_run or block.reason or block.file)
    ]
    assert unclear == [], "use ```console, or say above the block `<!-- not run: REASON -->`"


@pytest.mark.timeout(400)
@pytest.mark.parametrize("first", chains())
def test_what_the_pages_show_is_what_happens(first, tmp_path):
    with contextlib.ExitStack() as stack:
        ports = _free_ports("8080", "8081", "8082")
        terminal = Terminal(tmp_path, {"CROSSDOCK_LISTEN": f"127.0.0.1:{ports['8080']}"})
        stack.callback(terminal.close)
        texts = pages()
        used = set(re.findall(r"https://\w+\.example\b", "".join(texts[page] for page in chains()[first])))
        places = {**ports, **_systems(used, terminal, stack, tmp_path)} if first == "README.md" else ports
        for page in chains()[first]:
            for block in blocks(page, texts[page]):
                if block.file:
                    _save(terminal, block.file, _put_in(block.text, places))
                elif block.is_run:
                    _run(terminal, block, places)


def _free_ports(*shown):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in shown]
        return {port: str(free.getsockname()[1]) for port, free in zip(shown, sockets, strict=True)}


def _systems(used, terminal, stack, folder):
    """A shop and an ERP in place of the reader's own: address, and what opens them."""
    assert used == {"https://shop.example", "https://erp.example"}
    log = terminal.start("crossdock sandbox woocommerce --orders 4 --days 2 --variety demo --seed 3")
    erp = stack.enter_context(running_tryton(folder / "tryton"))
    shop = json.loads(_first_line(log))["url"]
    here = "\n    allow_hosts: [127.0.0.1]"
    return {
        "url: https://shop.example": f"url: {shop}{here}",
        "url: https://erp.example": f"url: {erp.url}{here}",
        "ck_yours": "ck_sandbox",
        "cs_yours": "cs_sandbox",
        "the-key-of-the-erp": erp.rest_key,
    }


def _first_line(log):
    deadline = time.monotonic() + _LOOK_S
    while "\n" not in log.read_text():
        assert time.monotonic() < deadline, "the sandbox says nothing"
        time.sleep(0.1)
    return log.read_text().partition("\n")[0]


def _put_in(text, places):
    for shown, real in places.items():
        text = re.sub(rf"(?<!\w){re.escape(shown)}(?!\w)", lambda _, real=real: real, text)
    return text


def _save(terminal, name, text):
    path = Path(terminal.folder_now()) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{text}\n", "utf-8")


def _run(terminal, block, places):
    for step in block.steps():
        command = _put_in(step.command, places)
        shown = [_put_in(line, places) for line in step.shown]
        try:
            if block.keeps_running:
                _start(terminal, command, shown)
            elif block.repeats:
                _repeat(terminal, command, shown)
            else:
                output, status = terminal.run(command, timeout_s=_COMMAND_S)
                assert status == 0, f"{block.where}: {command}\nended with status {status}:\n{output}"
                assert looks_so(shown, output), f"{block.where}: {command}\nprinted:\n{output}"
        except Stuck as stuck:
            pytest.fail(f"{block.where}: {stuck}")


def _start(terminal, command, shown):
    log = terminal.start(command)
    deadline = time.monotonic() + _LOOK_S
    while not looks_so(shown, log.read_text("utf-8"), whole=False):
        if time.monotonic() > deadline:
            raise Stuck(f"{command!r} printed only:\n{log.read_text('utf-8')[-4000:]}")
        time.sleep(0.2)


def _repeat(terminal, command, shown):
    deadline = time.monotonic() + _LOOK_S
    while True:
        output, status = terminal.run(command, timeout_s=_COMMAND_S)
        if status == 0 and looks_so(shown, output):
            return
        if time.monotonic() > deadline:
            raise Stuck(f"{command!r} ended with status {status} and printed in the end:\n{output}")
        time.sleep(0.5)
