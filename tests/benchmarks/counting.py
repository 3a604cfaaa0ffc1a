"""Counting what goes to the database: statements by what they do, and how many transactions wrote."""

from __future__ import annotations

import collections
import contextlib
import hashlib

from sqlalchemy import event, select

from sync.store.tables import metadata


class Counts:
    def __init__(self):
        #: (verb, table) -> how often.
        self.statements = collections.Counter()
        self.write_commits = 0

    @property
    def total(self):
        return self.statements.total()

    @property
    def written(self):
        """Tables that a statement wrote to."""
        return sorted({table for verb, table in self.statements if verb in {"INSERT", "UPDATE", "DELETE"}})


@contextlib.contextmanager
def counted(store):
    """What this process does on the store in the block; beginning and ending a transaction is no statement."""
    counts = Counts()

    def executed(_connection, _cursor, statement, _parameters, _context, _many):
        words = statement.split()
        if words[0] != "BEGIN":
            place = {"INSERT": 2, "DELETE": 2, "UPDATE": 1}.get(words[0])
            counts.statements[words[0], words[place] if place else ""] += 1

    def committed(connection):
        counts.write_commits += bool(connection.get_execution_options().get("crossdock_write"))

    listeners = (("after_cursor_execute", executed), ("commit", committed))
    for name, listener in listeners:
        event.listen(store.engine, name, listener)
    try:
        yield counts
    finally:
        for name, listener in listeners:
            event.remove(store.engine, name, listener)


def fingerprints(store):
    """Table -> digest of all of its rows."""
    found = {}
    for table in metadata.sorted_tables:
        digest = hashlib.blake2b()
        query = select(table).order_by(*table.primary_key.columns)
        for row in store.read(lambda c, query=query: c.execute(query).all()):
            digest.update(repr(tuple(row)).encode())
        found[table.name] = digest.hexdigest()
    return found
