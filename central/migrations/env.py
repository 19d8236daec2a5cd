"""Alembic's entry: takes the connection from `central.migrate` and the tables from every room."""

from alembic import context

from central.db import metadata
from central.migrate import ROOMS

assert ROOMS  # noqa: S101 - importing them registers their tables
connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True, compare_type=True)
with context.begin_transaction():
    context.run_migrations()
