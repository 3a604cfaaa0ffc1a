"""Examining everything, or one connection."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Sequence
from typing import Final

from sqlalchemy.exc import DBAPIError

from config.model import Config
from config.problems import Problem
from config.settings import Settings
from sync.desk.doctor import channel, golive, installation
from sync.desk.doctor.channel import ChannelCheckup
from sync.desk.doctor.connection import ConnectionCheckup
from sync.desk.doctor.golive import GoLive
from sync.desk.doctor.installation import Installation
from sync.desk.doctor.report import Report, report_of
from sync.desk.doctor.running import Progress, Section, run_all
from sync.rules.systems import Systems
from sync.store.engine import DatabaseBusy, Store
from sync.store.migrate import schema_problem

#: Of one call of a check-up: whoever asks waits for the answer.
_CALL_S: Final = 8.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """What is examined. Without a configuration that can be used there are no `systems`, and `problems` says why."""

    settings: Settings
    store: Store
    systems: Systems | None
    problems: Sequence[Problem] = ()

    def has_tables(self) -> bool:
        """Whether the database can be asked about more than itself."""
        try:
            return not schema_problem(self.store)
        except (DBAPIError, DatabaseBusy):
            return False

    @property
    def config(self) -> Config | None:
        """The configuration that can be used."""
        return None if self.systems is None else self.systems.config


def examine(
    patient: Patient,
    others: Sequence[Section] = (),
    *,
    total_s: float,
    progress: Progress = lambda _done, _total: None,
) -> Report:
    """Look at everything within `total_s` seconds; `others` are sections that only the caller can look at."""
    with _impatient(patient.systems) as patients:
        sections = [*_installation(patient), *others, *_of_config(patient, patients)]
        return report_of(run_all(sections, total_s, progress))


def examine_connection(patient: Patient, name: str, *, total_s: float) -> Report:
    """Look at one connection. Raises KeyError for one that is not configured."""
    with _impatient(patient.systems) as patients:
        store = patient.store if patient.has_tables() else None
        return report_of(run_all([_connection(patient, patients, name, store)], total_s))


def connection_section(name: str) -> str:
    """The name of a connection's section."""
    return f"connection:{name}"


@contextlib.contextmanager
def _impatient(systems: Systems | None) -> Iterator[Systems | None]:
    with contextlib.nullcontext() if systems is None else impatient_systems(systems) as patients:
        yield patients


@contextlib.contextmanager
def impatient_systems(systems: Systems) -> Iterator[Systems]:
    """Connectors of their own for people who wait: short deadlines, nothing remembered, and no rate limit's queue."""
    hurried = systems.hurried(deadline_s=_CALL_S)
    try:
        yield hurried
    finally:
        hurried.close()


def _installation(patient: Patient) -> Iterator[Section]:
    ours = Installation(patient.settings, patient.store, patient.config, patient.problems)
    yield Section("installation", installation.CHECKS, ours.run)


def _of_config(patient: Patient, patients: Systems | None) -> Iterator[Section]:
    if patient.config is None or patients is None:
        return
    store = patient.store if patient.has_tables() else None
    for name in sorted(patient.config.connections):
        yield _connection(patient, patients, name, store)
    for name in sorted(patient.config.channels):
        checkup = ChannelCheckup(name, patient.config, patients, store)
        yield Section(f"channel:{name}", channel.CHECKS, checkup.run)
    if store is not None:
        yield Section("golive", golive.CHECKS, GoLive(patient.config, store).run)


def _connection(patient: Patient, patients: Systems | None, name: str, store: Store | None) -> Section:
    assert patient.systems is not None
    assert patients is not None
    url = patient.settings.public_url
    checkup = ConnectionCheckup(name, store, patient.systems, patients, public_url=url)
    return Section(connection_section(name), checkup.checks, checkup.run)
