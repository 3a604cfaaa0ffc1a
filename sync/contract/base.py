"""What every suite is made of: how its tests get at a stand-in, and how faults are named."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any, ClassVar, TypeVar

import pytest

#: Starts one side of a system for the length of a `with` block.
Running = Callable[[], AbstractContextManager[Any]]

_F = TypeVar("_F", bound=Callable[..., None])


def shows(*_faults: str) -> Callable[[_F], _F]:
    """Which rows of docs/reliability.md a test shows; read from the source (`tests/faults.py`)."""
    return lambda test: test


class Contract:
    """The tests of one capability; `contract_of` says of whom."""

    connector: ClassVar[type]
    stand_in: ClassVar[Running]

    @pytest.fixture
    def fake(self) -> Iterator[Any]:
        """The system itself, for one test."""
        with type(self).stand_in() as running:
            yield running


class ServedContract(Contract):
    """The same with a system that serves several tests; its stand-in has `mend`."""

    @pytest.fixture(scope="class")
    @classmethod
    def served(cls) -> Iterator[Any]:
        """The system itself."""
        with cls.stand_in() as running:
            yield running

    @pytest.fixture
    def fake(self, served: Any) -> Any:
        """The same without the faults of the test before."""
        served.mend()
        return served
