"""`pause`, `resume`: what people decide about connections and channels, each with its trace."""

from __future__ import annotations

import click

from sync.cli.console import actor, opened, out
from sync.desk.switching import pause_by_hand, resume_by_hand, scope_of
from sync.work.runtime import Runtime


def ring_all(runtime: Runtime) -> None:
    """Whatever was released of any channel need not wait for the dispatcher."""
    for channel in runtime.config.channels:
        runtime.bell.ring(channel, "order")


@click.command()
@click.argument("name", default="")
@click.option("--reason", default="paused by hand", help="Shown to everybody.")
def pause(name: str, reason: str) -> None:
    """Pause a connection or a channel by NAME; everything without one."""
    with opened() as runtime:
        pause_by_hand(runtime.store, _scope(runtime, name), name, actor=actor(), reason=reason)
        out.print(f"paused: {name or 'everything'}")


@click.command()
@click.argument("name", default="")
def resume(name: str) -> None:
    """End a pause of a connection or a channel by NAME; of everything without one.

    Also the pause that a system has asked for (`Retry-After`): it is asked again at once.
    """
    with opened() as runtime:
        done = resume_by_hand(runtime.store, _scope(runtime, name), name, actor=actor(), lift=runtime.lift)
        if done.ended:
            ring_all(runtime)
            again = f"; {done.recalled} that waited for it are due now" if done.recalled else ""
            out.print(f"goes on: {name or 'everything'}{again}")
        else:
            out.print(f"{name or 'everything'} was not paused")
        if done.unheard:
            out.print(
                "the queue's server does not answer: a process that was asked to wait still waits until its time is "
                "over; when the server is back, run this command again"
            )


def _scope(runtime: Runtime, name: str) -> str:
    try:
        return scope_of(runtime.config, name)
    except LookupError as error:
        raise click.BadParameter(str(error), param_hint="NAME") from error
