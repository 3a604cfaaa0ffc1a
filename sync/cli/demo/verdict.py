"""How the demo ends: the proof of both channels, and whether it is the one that was expected."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median

from rich.console import Console

from sync.cli.demo.configuration import CHANNELS
from sync.cli.demo.memory import resident_mb
from sync.cli.demo.screen import Screen
from sync.cli.demo.story import Story
from sync.cli.demo.world import World
from sync.cli.proof import show_proof
from sync.desk.proof import ChannelProof, prove_channel
from sync.rules.comparison import Kind


def prove(world: World, story: Story, screen: Screen, out: Console) -> bool:
    """Show the proof of each channel and the figures; whether both hold, and nothing but the plants is held."""
    with screen.step("fresh lists of both shops and both ERPs, compared id by id"):
        proofs = {name: prove_channel(world.runtime.store, world.runtime.systems.channel(name)) for name in CHANNELS}
    good = True
    for name, proof in proofs.items():
        show_proof(out, proof)
        problem = unexpected(proof, story.planted[name])
        if problem:
            out.print(f"[bold red]{name}: {problem}[/]")
        good = good and proof.holds and not problem
    for name in CHANNELS:
        waited = story.latencies.get(name, [0.0])
        screen.say(
            f"{CHANNELS[name]}: {story.pace[name]:.1f} orders/s with the outage; from checkout to confirmed sale "
            f"{median(waited):.1f} s (at most {max(waited):.1f} s)"
        )
    memory = resident_mb(world.log)
    if memory:
        screen.say(f"[dim]memory of Crossdock: {', '.join(f'{name} {mb} MB' for name, mb in memory.items())}[/]")
    return good


def unexpected(proof: ChannelProof, planted: Mapping[str, str]) -> str:
    """What the proof shows beside the planted orders, in plain words; empty when there is nothing."""
    held = {difference.shop_id for difference in proof.differences if difference.kind is Kind.HELD}
    others = [difference for difference in proof.differences if difference.kind is not Kind.HELD]
    said = [f"{difference.kind} order {difference.number}" for difference in others]
    said += [f"order id {one} is held, which the demo did not plan" for one in sorted(held - planted.keys())]
    said += [f"order id {one} ({planted[one]}) should be held" for one in sorted(planted.keys() - held)]
    return "; ".join(said)
