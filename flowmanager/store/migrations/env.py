"""Runs the migrations on the connection that the caller gives; Alembic executes this file."""

from __future__ import annotations

from alembic import context

from flowmanager.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)

with context.begin_transaction():
    context.run_migrations()
