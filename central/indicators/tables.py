"""Tables of what was counted day by day, and of the institutions as they were compared."""

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table

from central.db import metadata
from central.indicators.model import COUNTS

indicator_days = Table(
    "indicator_days",
    metadata,
    Column("fixmedins_code", String(12), primary_key=True),
    Column("dr", String(30), primary_key=True),
    Column("day", Integer, primary_key=True, autoincrement=False),
    *(Column(name, BigInteger, nullable=False) for name in COUNTS),
    Index("ix_indicator_days_day", "day"),
)
"""`dr`: the doctor's code, empty for the whole institution; `day`: whole days in China since 1970."""

indicator_sites = Table(
    "indicator_sites",
    metadata,
    Column("fixmedins_code", String(12), primary_key=True),
    Column("kind", String(8), nullable=False),
    Column("level", String(16), nullable=False),
    Column("admdvs", String(6), nullable=False),
)
