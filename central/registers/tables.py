"""Tables of registers: one for each dataset, with the columns of its specification. `register_versions` says what was said before."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import JSON, BigInteger, Boolean, Column, Float, ForeignKey, Index, Integer, String, Table

from central.db import Hash, Money, UtcDateTime, from_micros, metadata
from central.feeds.model import Column as Spoken
from central.feeds.model import Spec
from central.feeds.service import specs
from central.settings import ClaimSettings

SPECS: Mapping[str, Spec] = {name: spec for name, spec in specs(ClaimSettings(), now=from_micros(0)).items() if name != "claims"}
"""With the default pattern of institutions: columns and keys are the same with any other."""


def _sql_type(column: Spoken) -> Any:
    kinds = {"moment": UtcDateTime(), "fen": Money(), "whole": BigInteger(), "real": Float(), "truth": Boolean()}
    return kinds.get(column.kind.stored, String(column.kind.longest))


def _table(spec: Spec) -> Table:
    columns = [
        Column(column.name, _sql_type(column), primary_key=column.name in spec.key, nullable=not _needed(spec, column.name))
        for column in spec.columns
    ]
    by_key = sorted(columns, key=lambda column: spec.key.index(column.name) if column.name in spec.key else len(spec.key))
    moment = (Index(f"ix_register_{spec.name}_time", spec.moment),) if spec.moment else ()
    import_id: Column[int] = Column("import_id", ForeignKey("imports.import_id"), nullable=False)
    return Table(f"register_{spec.name}", metadata, *by_key, Column("row_sha256", Hash, nullable=False), import_id, *moment)


def _needed(spec: Spec, name: str) -> bool:
    return name in spec.key or next(column.required for column in spec.columns if column.name == name)


TABLES: Mapping[str, Table] = {name: _table(spec) for name, spec in SPECS.items()}

versions = Table(
    "register_versions",
    metadata,
    Column("version_id", Integer, primary_key=True),
    Column("dataset", String(20), nullable=False),
    Column("key", String(300), nullable=False),
    Column("row_sha256", Hash, nullable=False),
    Column("row", JSON, nullable=False),
    Column("import_id", Integer, nullable=False),
    Column("replaced_at", UtcDateTime, nullable=False),
    Column("replaced_by", Integer, nullable=False),
    Column("why", String(12), nullable=False),
    Index("ix_register_versions_key", "dataset", "key"),
)
