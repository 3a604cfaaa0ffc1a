"""What the tests of profiles share."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

import pytest

from mappings.base import NO_FACTS, SourceOptions
from mappings.canonical.errors import conditions_for
from mappings.canonical.records import Order
from mappings.profiles import Profile, ProfileError, profiled_source, read_profile
from mappings.registry import SOURCES


class Tables:
    """Look-up tables of a test."""

    def __init__(self, rows: Mapping[tuple[str, str], str]) -> None:
        self._rows = rows

    def find(self, table: str, value: str, facts: Mapping[str, Any] = NO_FACTS) -> str | None:
        told = conditions_for(facts)
        return self._rows.get((table, f"{value} [{told}]" if told else value))


def over_woocommerce(source: str, more: str = "") -> Profile:
    """A profile with these scopes under `source:`."""
    below = textwrap.indent(textwrap.dedent(source), "  ")
    return read_profile(f"profile: test\nextends: woocommerce\nsource:\n{below}\n{textwrap.dedent(more)}", "p.yaml")


def mapped(source: str, order: Mapping[str, Any], rows: Mapping[tuple[str, str], str] | None = None) -> Order:
    """The order that a profile over WooCommerce makes."""
    profile = over_woocommerce(source)
    return profiled_source(SOURCES["woocommerce"], profile).order(dict(order), SourceOptions(lookup=Tables(rows or {})))


def refusals(text: str) -> list[str]:
    """Everything that is wrong with a text that is no profile."""
    with pytest.raises(ProfileError) as raised:
        read_profile(textwrap.dedent(text), "p.yaml")
    return [str(problem) for problem in raised.value.problems]
