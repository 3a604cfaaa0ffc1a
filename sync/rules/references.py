"""Resolving what a target must know: look-up tables first, then the target itself, in one batch."""

from __future__ import annotations

from collections.abc import Iterable

from connectors.kit.base import JsonDict, SalesTarget
from mappings.canonical.refs import Ref
from sync.rules.lookups import Finds

#: Kind of reference -> look-up table, where the names differ.
_TABLES = {"product": "sku"}


def table_of(ref: Ref) -> str:
    """The look-up table that translates a reference."""
    return _TABLES.get(ref.kind, ref.kind)


def translate(ref: Ref, lookups: Finds) -> Ref:
    """The reference with its value as the look-up table has it; unchanged where there is no row.

    What told it from others in the source (`Ref.variant`) has done its work then: the target knows one of each value.
    """
    found = lookups.find(table_of(ref), ref.value, ref.hint)
    if found is None and not ref.variant:
        return ref
    return Ref(ref.kind, ref.value if found is None else found.value, ref.hint, ref.path, ref.optional)


def resolve(refs: Iterable[Ref], lookups: Finds, target: SalesTarget) -> dict[Ref, JsonDict]:
    """What the target knows under each ref, keyed by the *source's* ref, as the mappings ask for it.

    Raises what `SalesTarget.resolve` raises.
    """
    translated = {ref: translate(ref, lookups) for ref in refs}
    answers = target.resolve(set(translated.values()))
    return {ref: answers[wanted] for ref, wanted in translated.items() if wanted in answers}
