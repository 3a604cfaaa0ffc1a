"""`crossdock demo`."""

import click


@click.command()
def demo() -> None:
    """The main job on embedded parts."""
