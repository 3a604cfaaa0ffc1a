"""Orders in CSV files, which people upload: exports of shops, spreadsheets, tables of an agent.

A file says nothing of itself: its encoding and its delimiter are found out from its bytes, and shown to whoever uploads
it. The rows with one text in the `order_column` are one order, wherever they stand; each is an object by the names of
the first line. Nothing is guessed beyond that: cells stay the texts that they are, and a mapping profile says what they
mean.
"""

from __future__ import annotations

from connectors.csvfiles.connector import CsvFiles
from connectors.csvfiles.reading import BadRow, FileRefused, Sheet

__all__ = ["BadRow", "CsvFiles", "FileRefused", "Sheet"]
