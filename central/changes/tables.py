"""The queue of what is to be reconciled. A row is written in the transaction of what it tells of, and deleted with the run that saw it."""

from sqlalchemy import Column, Integer, String, Table

from central.db import metadata

changes = Table(
    "changes",
    metadata,
    Column("change_id", Integer, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("place", String(48)),
    Column("name", String(96)),
    sqlite_autoincrement=True,
)
