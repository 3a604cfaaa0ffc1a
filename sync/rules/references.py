"""Resolving what a target must know: look-up tables first, then the target itself, in one batch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from connectors.kit.base import JsonDict, SalesTarget
from mappings.canonical.refs import Ref

#: Kind of reference -> look-up table, where the names differ.
_TABLES = {"product": "sku"}


def table_of(ref: Ref) -> str:
    """The look-up table that translates a reference."""
    return _TABLES.get(ref.kind, ref.kind)


def translate(ref: Ref, lookups: Mapping[tuple[str, str], str]) -> Ref:
    """The reference with its value as the look-up table has it; unchanged where there is no row."""
    value = lookups.get((table_of(ref), ref.value))
    return ref if value is None else Ref(ref.kind, value, ref.hint, ref.path, ref.optional)


def resolve(refs: Iterable[Ref], lookups: Mapping[tuple[str, str], str], target: SalesTarget) -> dict[Ref, JsonDict]:
    """What the target knows under each ref, keyed by the *source's* ref, as the mappings ask for it.

    Raises what `SalesTarget.resolve` raises.
    """
    translated = {ref: translate(ref, lookups) for ref in refs}
    answers = target.resolve(set(translated.values()))
    return {ref: answers[wanted] for ref, wanted in translated.items() if wanted in answers}
