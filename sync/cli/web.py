"""`web`, apart from the other parts of an installation: it becomes gunicorn, and needs nothing of what they import."""

from __future__ import annotations

import os
import sys

import click

from config.settings import Settings


@click.command()
def web() -> None:
    """Receive webhooks and serve the console (one part of `run`, for a grown set-up)."""
    Settings.from_env()
    # Replaced, not started: signals reach gunicorn itself.
    command = [sys.executable, "-m", "gunicorn", "-c", "python:webapp.gunicorn", "webapp.app:create_app()"]
    os.execv(sys.executable, command)  # noqa: S606
