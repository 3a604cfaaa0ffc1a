"""What holds for every mapping of a source, on every sample order that there is of it."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import ClassVar, Final

import pytest

from mappings.base import JsonDict, SourceMapping, SourceOptions
from mappings.canonical.errors import Problem, Problems
from mappings.canonical.money import money_sum
from mappings.canonical.records import Order
from mappings.canonical.schemas import order_from_json, order_to_json

_OPTIONS: Final = SourceOptions()


class SourceMappingContract:
    """Each sample maps or is refused for its reason; what maps ties to the cent. `mapping_contract_of` says of whom."""

    mapping: ClassVar[SourceMapping]
    samples: ClassVar[Mapping[str, JsonDict]]
    refused: ClassVar[Mapping[str, tuple[str, str]]]
    stated: ClassVar[Callable[[JsonDict], tuple[str, str]]]

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """`where` is each sample, `accepted` each that is to map, `refusal` each that is not."""
        for name, wheres in (
            ("where", self.samples.keys()),
            ("accepted", self.samples.keys() - self.refused.keys()),
            ("refusal", self.refused.keys()),
        ):
            if name in metafunc.fixturenames:
                metafunc.parametrize(name, sorted(wheres))

    def _outcome(self, payload: JsonDict) -> Order | tuple[Problem, ...]:
        try:
            return self.mapping.order(payload, _OPTIONS)
        except Problems as problems:
            return problems.problems

    def test_there_are_samples_and_what_is_refused_is_among_them(self) -> None:
        assert self.samples.keys() - self.refused.keys()
        assert self.refused.keys() <= self.samples.keys()

    def test_an_order_has_the_total_and_tax_that_it_states_and_its_parts_tie_to_them(self, accepted: str) -> None:
        payload = self.samples[accepted]
        order = self.mapping.order(payload, _OPTIONS)
        totals = order.totals
        grand, tax = type(self).stated(payload)
        assert (totals.grand.amount, totals.tax.amount) == (Decimal(grand), Decimal(tax))
        assert totals.grand == totals.lines + totals.shipping + totals.fees + totals.tax + totals.rounding
        assert money_sum((line.total for line in order.lines), order.currency) == totals.lines

    def test_what_is_refused_is_refused_for_its_reason(self, refusal: str) -> None:
        path, words = self.refused[refusal]
        with pytest.raises(Problems) as caught:
            self.mapping.order(self.samples[refusal], _OPTIONS)
        assert any(problem.path == path and words in problem.reason for problem in caught.value.problems)

    def test_a_sample_maps_the_same_twice_and_is_left_as_it_was(self, where: str) -> None:
        payload = self.samples[where]
        before = copy.deepcopy(payload)
        assert self._outcome(payload) == self._outcome(payload)
        assert payload == before

    def test_an_order_goes_through_the_canonical_schema_without_loss(self, accepted: str) -> None:
        order = self.mapping.order(self.samples[accepted], _OPTIONS)
        assert order_from_json(json.loads(json.dumps(order_to_json(order)))) == order

    def test_a_field_that_nobody_knows_changes_nothing(self, where: str) -> None:
        payload = self.samples[where]
        more = {**payload, "crossdock_has_never_seen_this": {"amount": "1e400", "list": [None, True]}}
        assert self._outcome(more) == self._outcome(payload)

    def test_what_is_no_order_is_refused(self) -> None:
        for nothing in ({}, {"error": "no such order"}):
            with pytest.raises(Problems):
                self.mapping.order(nothing, _OPTIONS)


def mapping_contract_of(
    mapping: SourceMapping,
    samples: Mapping[str, JsonDict],
    *,
    stated: Callable[[JsonDict], tuple[str, str]],
    refused: Mapping[str, tuple[str, str]] = MappingProxyType({}),
) -> type:
    """A test class that holds a mapping to its samples (name -> payload), as `contract_of` does a connector.

    `stated` reads grand total and tax off a payload, as texts; `refused` says which samples are to be refused: name ->
    path of the problem, and words of its reason.
    """
    members = {"mapping": mapping, "samples": samples, "refused": refused, "stated": staticmethod(stated)}
    return type("TestMapping", (SourceMappingContract,), members)
