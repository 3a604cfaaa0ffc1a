"""`crossdock demo`: shops with customers, outages and forgers, Crossdock, and a real ERP; it ends with the proof."""

from __future__ import annotations

import contextlib
import signal
import sys
from pathlib import Path
from typing import Final

import click
from rich.console import Console

from config.settings import Settings
from sync.cli.console import err, out
from sync.cli.demo.back import WayBack
from sync.cli.demo.configuration import OUTLET, SHOP, shown
from sync.cli.demo.screen import Screen
from sync.cli.demo.services import DemoFailed
from sync.cli.demo.story import Story
from sync.cli.demo.verdict import prove
from sync.cli.demo.world import LOGIN, World, running_world
from sync.work.run import Taken

#: As many as a second run moves into Tryton well within five minutes on two cores.
_ORDERS: Final = 120
_FAST_ORDERS: Final = 2_000


@click.command()
@click.option("--exit", "exit_", is_flag=True, help="End after the proof; without a terminal the demo always does.")
@click.option(
    "--folder", type=click.Path(path_type=Path), default=Path("var/demo"), show_default=True, help="Its files."
)
@click.option("--orders", type=click.IntRange(10), default=_ORDERS, hidden=True)
@click.option("--fast-orders", type=click.IntRange(10), default=_FAST_ORDERS, hidden=True)
@click.option("--live", type=click.IntRange(1), default=20, hidden=True)
def demo(folder: Path, orders: int, fast_orders: int, live: int, *, exit_: bool) -> None:
    """Show the whole way: two shops, Crossdock, two ERPs (one of them a real Tryton), and the proof.

    Exit status 0 only if the proof holds on both channels. Everything runs on this machine, in one folder.
    """
    stays = not exit_ and sys.stdin.isatty() and err.is_terminal
    screen = Screen(err)
    backlog = {SHOP: orders, OUTLET: fast_orders}
    for number in (signal.SIGTERM, signal.SIGHUP):
        # As Ctrl-C: everything that was started is ended on the way out.
        signal.signal(number, signal.default_int_handler)
    try:
        with running_world(folder.absolute(), screen, environ=Settings.from_env().environ, backlog=backlog) as world:
            good = _perform(world, screen, out, live=live, stays=stays)
    except (DemoFailed, Taken) as error:
        raise click.ClickException(str(error)) from error
    sys.exit(0 if good else 1)


def _perform(world: World, screen: Screen, console: Console, *, live: int, stays: bool) -> bool:
    story = Story(world, screen, live=live)
    world.start_sandboxes(screen)
    story.set_scene()
    world.start_crossdock(screen)
    story.play()
    story.buy_one_by_one(3)
    WayBack(world, screen).play()
    story.settle()
    good = prove(world, story, screen, console)
    if stays:
        _say_what_to_try(world, story, screen)
        with contextlib.suppress(KeyboardInterrupt):
            story.idle()
    return good


def _say_what_to_try(world: World, story: Story, screen: Screen) -> None:
    folder, command = shown(world.folder), shown(Path(sys.executable).parent / "crossdock")
    held = {what: number for number, what in story.planted[SHOP].items()}
    buy = '{"count": 3, "variety": "demo"}'
    screen.say(
        f"""
All of it keeps running until Ctrl-C.
  console     {world.console}  sign in as {LOGIN} with {world.password}
  receiving   {world.console}webhooks/{SHOP}
  state       {folder}/state, configuration {folder}/config/crossdock.yaml
  logs        {folder}/crossdock.log and one for each sandbox
To try in a second terminal:
  . {folder}/environment
  {command} status
  {command} order {held["totals_mismatch"]}
  {command} approve {held["over_limit"]} --reason "called the customer"
  {command} proof
  curl -d '{buy}' {world.shops[SHOP].facts["url"]}/_sandbox/orders    # customers buy
"""
    )
