"""The connector: what a file of orders is, by the connection's options."""

from __future__ import annotations

from typing import BinaryIO, Final

from connectors.csvfiles.reading import DELIMITERS, ENCODINGS, Sheet, read_sheet
from connectors.kit.base import ConnectorSettings, SendsOrders, Throttle
from connectors.kit.errors import ConnectionBroken
from connectors.kit.options import Options
from connectors.kit.words import say

_OPTIONS: Final = frozenset({"order_column", "encoding", "delimiter"})


class CsvFiles(SendsOrders):
    """Files of one kind. Thread-safe; speaks to nobody.

    Options: `order_column` (the name of the column whose text tells which order a row is of), `encoding` and
    `delimiter` where they are not to be found out.
    """

    sends_by = "file"

    def __init__(self, settings: ConnectorSettings, *, throttle: Throttle | None = None, dry_run: bool = False) -> None:  # noqa: ARG002 - every connector takes them
        """Raises ConnectionBroken naming what is wrong in the options."""
        options = Options("csv", settings.options, _OPTIONS)
        self._order_column = options.text("order_column")
        if not self._order_column:
            raise ConnectionBroken(
                say("csv needs option 'order_column': the name of the column that says which order a row is of"),
                code="option",
            )
        self._encoding = options.one_of("encoding", ("", *ENCODINGS), "")
        self._delimiter = options.one_of("delimiter", ("", *DELIMITERS), "")

    def close(self) -> None:
        """Nothing is open."""

    def read(self, file: BinaryIO, *, encoding: str = "", delimiter: str = "") -> Sheet:
        """All of a file that can be sought in; the arguments go before the options. Raises FileRefused."""
        return read_sheet(
            file,
            self._order_column,
            encoding=encoding or self._encoding,
            delimiter=delimiter or self._delimiter,
        )
