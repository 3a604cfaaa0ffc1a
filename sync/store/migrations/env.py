"""Alembic's entry: runs the migrations on the connection that `sync.store.migrate` hands over."""

from __future__ import annotations

from alembic import context

from sync.store.tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    # SQLite changes a table by copying it.
    render_as_batch=connection.dialect.name == "sqlite",
    user_module_prefix="",
    compare_type=False,
)
with context.begin_transaction():
    context.run_migrations()
