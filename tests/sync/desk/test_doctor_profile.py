"""The doctor says which mapping profile applies, and warns of a file that only looks as if it did."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pytest

from config.model import ProfileFile
from connectors.kit.findings import Level
from mappings.profiles import read_profile
from sync.desk.doctor.profile import profile_finding
from sync.store.revisions import Revision, add_revision
from tests.sync.desk.test_profiles import text
from tests.sync.flows.world import CHANNEL, World


@pytest.fixture
def world(sqlite_store):
    return World(sqlite_store)


def publish(world, what):
    revision = Revision(
        channel=CHANNEL,
        number=1,
        text=what,
        digest=read_profile(what, "it").digest,
        author="anna",
        reason="r",
        published_at=dt.datetime.now(dt.UTC),
    )
    world.store.write(lambda c: add_revision(c, revision))


def finding(world, file="", *, system=""):
    channel = dataclasses.replace(
        world.config.channels[CHANNEL], profile=ProfileFile("own.yaml", file) if file else None
    )
    connections = dict(world.config.connections)
    if system:
        connections[channel.source] = dataclasses.replace(connections[channel.source], system=system)
    config = dataclasses.replace(world.config, channels={CHANNEL: channel}, connections=connections)
    return profile_finding(config, CHANNEL, world.store)


def test_a_file_that_says_something_else_than_what_is_published_is_warned_of_with_every_way_out(world):
    publish(world, text("one"))
    found = finding(world, text("two"))
    assert found.level is Level.WARN
    assert "own.yaml says something else than revision 1" in found.found
    for way in (f"mapping publish {CHANNEL} file", f"mapping export {CHANNEL}", "take `profile` out"):
        assert way in found.next_step


def test_a_source_without_a_mapping_of_its_own_is_not_told_to_do_without_a_profile(world):
    publish(world, text("one"))
    assert "take `profile` out" not in finding(world, text("two"), system="csv").next_step


def test_a_file_that_differs_in_comments_alone_is_as_good_as_what_is_published(world):
    publish(world, text("one"))
    found = finding(world, f"# as published\n{text('one')}")
    assert (found.level, str(found.found)) == (Level.OK, "revision 1, published by anna")
    assert finding(world).level is Level.OK


def test_before_anything_is_published_it_says_what_applies(world):
    assert "the systems' own mappings" in finding(world).found
    assert "own.yaml; nothing is published" in finding(world, text()).found
