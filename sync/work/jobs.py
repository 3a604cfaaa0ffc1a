"""The job that a ring stands for. JSON arguments, names only, safe to run twice."""

from __future__ import annotations

from rq.job import get_current_job

from config.model import Config
from config.settings import Settings
from sync.rules.crm_systems import crm_systems
from sync.rules.stock_systems import stock_systems
from sync.rules.systems import read_config
from sync.store.crm.customers import KIND as PARTY
from sync.store.stock.items import KIND as STOCK
from sync.work.crm.drain import drain_customers
from sync.work.drain import drain_channel
from sync.work.runtime import Runtime
from sync.work.stock.drain import drain_stock

#: Set in the worker before it forks, so that a horse begins with everything read.
_prepared: tuple[Settings, Config] | None = None


def prepare(settings: Settings) -> Config:
    """Read the configuration in the parent; a changed one needs a restart of the workers. Raises ConfigError."""
    global _prepared  # noqa: PLW0603 - handed over by fork
    config = read_config(settings)
    _prepared = (settings, config)
    return config


def drain(channel: str, kind: str) -> None:
    """Look at what is due of one channel. A channel that is not configured any more has nothing to do."""
    settings, config = _prepared if _prepared is not None else (Settings.from_env(), None)
    with Runtime(settings, config) as runtime:
        runtime.bell.answer(channel, kind)
        if channel not in runtime.config.channels:
            return
        job = get_current_job()
        name_of_job = job.id if job is not None else ""

        def ring(name: str, what: str) -> object:
            return runtime.bell.ring(name, what, again=True)

        if kind == STOCK:
            stock = stock_systems(runtime.systems, channel)
            drain_stock(runtime.store, runtime.config, stock, ring=ring, job=name_of_job)
            return
        if kind == PARTY:
            # Whoever took the CRM out of the configuration left its items; they wait until it is back.
            if runtime.config.channels[channel].crm.connection:
                drain_customers(runtime.store, crm_systems(runtime.systems, channel), ring=ring, job=name_of_job)
            return
        systems, witness = runtime.systems.channel(channel), runtime.witness
        drain_channel(runtime.store, systems, kind, ring=ring, job=name_of_job, witness=witness)
