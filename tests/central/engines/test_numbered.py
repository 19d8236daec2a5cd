"""Numbers in place of identifiers: nobody who asks sees one, what is the same stays the same, and what comes first comes first."""

from collections.abc import Iterator
from pathlib import Path

import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from central.engines.base import NUMBER, Analysis, named, sql_of, text_of
from central.engines.choice import EngineName, EngineOptions, open_engine
from central.engines.duckdb import DuckDb, duckdb_in_memory
from central.engines.numbered import Numbered
from central.inputs import IDENTIFIERS, SCHEMAS

TEXTS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=24)


def persons(*names: str | None) -> pa.Table:
    return pa.table({"psn_no": names, "death_date": [None] * len(names), "suspended_until": [None] * len(names)}, schema=SCHEMAS["persons"])


def proxies(*pairs: tuple[str | None, str | None]) -> pa.Table:
    rows = [{"psn_no": one, "proxy_psn_no": other, "valid_from": 0, "valid_to": 1, "known_since": None} for one, other in pairs]
    return pa.Table.from_pylist(rows, schema=SCHEMAS["proxies"])


def settled(inside: DuckDb, **tables: pa.Table) -> Numbered:
    analysis = Numbered(inside)
    for name, rows in tables.items():
        analysis.load(name, rows)
    analysis.settle()
    return analysis


def asked(analysis: Analysis, expression: ibis.Table) -> list[dict[str, object]]:
    return [row for batch in analysis.rows(sql_of(expression, analysis.dialect)) for row in batch.to_pylist()]


@pytest.fixture
def inside() -> Iterator[DuckDb]:
    with duckdb_in_memory() as analysis:
        yield analysis


@settings(max_examples=60, deadline=None)
@given(st.lists(st.none() | TEXTS, max_size=40), st.lists(st.tuples(TEXTS, TEXTS), max_size=10))
def test_texts_come_back_and_stay_in_order(names: list[str | None], pairs: list[tuple[str, str]]) -> None:
    with duckdb_in_memory() as inside:
        analysis = settled(inside, persons=persons(*names), proxies=proxies(*pairs))
        table = named("persons", numbered=True)
        told = [row["psn_no"] for row in asked(analysis, table.order_by(table.psn_no.asc(nulls_first=True)))]
        assert told == sorted(names, key=lambda name: (name is not None, (name or "").encode()))
        entries = named("proxies", numbered=True)
        (both,) = asked(analysis, entries.agg(all=ibis.least(entries.psn_no.min(), entries.proxy_psn_no.min())))
        assert both["all"] == min((name for pair in pairs for name in pair), key=str.encode, default=None)


def test_tables_hold_numbers_and_lists_of_them_are_told_as_texts(inside: DuckDb) -> None:
    analysis = settled(inside, persons=persons("P3", None, "P1", "P2"))
    (types,) = inside.rows(
        "SELECT typeof(psn_no) AS kind, count(*) AS n, min(psn_no) AS least FROM persons WHERE psn_no NOTNULL GROUP BY 1"
    )
    assert types.to_pylist() == [{"kind": "UINTEGER", "n": 3, "least": 1}]
    (batch,) = analysis.rows("SELECT list(psn_no ORDER BY psn_no) AS all, NULL::UINTEGER[] AS none, 7 AS n FROM persons")
    assert batch.to_pylist() == [{"all": ["P1", "P2", "P3", None], "none": None, "n": 7}]
    assert batch.schema.field("all").type == pa.list_(pa.string())


def test_kinds_are_numbered_apart(inside: DuckDb) -> None:
    """One text may be a person and an institution; what is compared is always of one kind."""
    staff = pa.Table.from_pylist([{"fixmedins_code": "A", "psn_no": "A"}, {"fixmedins_code": "B", "psn_no": None}], schema=SCHEMAS["staff"])
    analysis = settled(inside, staff=staff)
    table = named("staff", numbered=True)
    assert asked(analysis, table.select("fixmedins_code", "psn_no").order_by("fixmedins_code")) == [
        {"fixmedins_code": "A", "psn_no": "A"},
        {"fixmedins_code": "B", "psn_no": None},
    ]


def test_a_text_inside_the_query(inside: DuckDb) -> None:
    analysis = settled(inside, persons=persons("a/b", "c", None))
    table = named("persons", numbered=True)
    said = table.select(key=text_of(table.psn_no).replace("/", "_") + "/x").order_by("key")
    assert [row["key"] for row in asked(analysis, said)] == ["a_b/x", "c/x", None]


def test_what_comes_later_is_known_by_its_number_or_not_at_all(inside: DuckDb) -> None:
    analysis = settled(inside, persons=persons("P1", "P2"))
    analysis.load("some", pa.table({"psn_no": ["P2", "P9", "P2"]}))
    table, some = named("persons", numbered=True), ibis.table({"psn_no": NUMBER}, name="some")
    assert [row["psn_no"] for row in asked(analysis, table.semi_join(some, "psn_no"))] == ["P2"]
    analysis.load("some", pa.table({"psn_no": ["P1"]}))
    assert [row["psn_no"] for row in asked(analysis, table.semi_join(some, "psn_no"))] == ["P1"], "the later stands"


def test_an_answer_is_read_in_batches_while_texts_are_looked_up(inside: DuckDb) -> None:
    names = [f"P{number:06}" for number in range(120_000)]
    analysis = settled(inside, persons=persons(*names))
    batches = list(analysis.rows("SELECT psn_no FROM persons ORDER BY psn_no"))
    assert len(batches) > 1
    assert [name for batch in batches for name in batch["psn_no"].to_pylist()] == names


@pytest.mark.parametrize("large", [False, True])
def test_it_is_asked_for_by_options_and_leaves_nothing(tmp_path: Path, large: bool) -> None:
    with open_engine(EngineName.DUCKDB, EngineOptions(memory_mb=300, threads=1, folder=tmp_path, large=large, numbered=True)) as analysis:
        assert analysis.numbered
        analysis.load("persons", persons("P1"))
        analysis.settle()
        assert asked(analysis, named("persons", numbered=True).select("psn_no")) == [{"psn_no": "P1"}]
        assert bool(list(tmp_path.rglob("tables.duckdb"))) is large
    assert list(tmp_path.iterdir()) == []


def test_an_identifier_is_text_in_every_table() -> None:
    columns = [(name, field) for name, schema in SCHEMAS.items() for field in schema if field.name in IDENTIFIERS]
    assert {field.name for _, field in columns} == set(IDENTIFIERS)
    assert {field.type for _, field in columns} == {pa.string()}
