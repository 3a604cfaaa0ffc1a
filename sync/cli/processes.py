"""`init`, `run`, `worker`, `scheduler`: the parts of an installation; `web` has a module of its own."""

from __future__ import annotations

import gc
import signal
import sys

import click

from config.logging import configure_logging
from config.settings import Settings
from sync.cli.console import err
from sync.desk.canary import note_configuration
from sync.rules.systems import read_config
from sync.store.engine import Store
from sync.store.migrate import demand_schema, migrate
from sync.work import jobs
from sync.work.alerts import telling
from sync.work.run import run as run_all
from sync.work.runtime import Runtime, longest_call_s
from sync.work.scheduler import Scheduler
from sync.work.worker import run_worker


@click.command()
def init() -> None:
    """Create or upgrade the database, and check the configuration."""
    settings = Settings.from_env()
    config = read_config(settings)
    prepare_database(settings)
    err.print(f"database ready; {len(config.connections)} connections, {len(config.channels)} channels configured")


def prepare_database(settings: Settings) -> None:
    """Bring the schema to what this program needs, and start the clock of channels that are new."""
    # Orders lie in it, and the key that signs people's sessions: nobody else's business.
    settings.state_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    config = read_config(settings)
    store = Store.open(settings.database_url.reveal())
    try:
        migrate(store)
        for name, left in note_configuration(store, config).items():
            if left:
                err.print(f"{name}: its first {left} orders wait for a person's release (docs/canary.md)")
    finally:
        store.close()


def _demand_schema(settings: Settings) -> None:
    store = Store.open(settings.database_url.reveal())
    try:
        demand_schema(store)
    finally:
        store.close()


@click.command()
def run() -> None:
    """Run everything: the queue's server, web, workers and scheduler, in one stream of lines."""
    settings = Settings.from_env()
    redactor = configure_logging(settings, "run")
    config = read_config(settings)
    redactor.add(config.secrets())
    prepare_database(settings)
    sys.exit(run_all(settings, longest_call_s=longest_call_s(config), secrets=config.secrets()))


@click.command()
def worker() -> None:
    """Work off what is due (one part of `run`; start as many as you like)."""
    settings = Settings.from_env()
    redactor = configure_logging(settings, "worker")
    redactor.add(jobs.prepare(settings).secrets())
    # Each drain asks too; a worker that could run none had better say so at once.
    _demand_schema(settings)
    sys.exit(run_worker(settings))


@click.command()
def scheduler() -> None:
    """Pull, resync and dispatch on time (one part of `run`; a second one stands by)."""
    settings = Settings.from_env()
    redactor = configure_logging(settings, "scheduler")
    with Runtime(settings) as runtime:
        redactor.add(runtime.config.secrets())
        keeper = Scheduler(runtime)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: keeper.stop())
        # What is there now stays: reading a shop's pages is a fifth faster when it is not looked through each time.
        gc.collect()
        gc.freeze()
        with telling(runtime):
            keeper.run()
