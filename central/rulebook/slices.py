"""The part of the tables that findings hang on, and its bytes. Pure.

A narrow slice holds what the evidence names and what is known of those persons and institutions. A wide one also holds every row with the
value that parts the rule's findings (`Rule.by`), which is all that the rule may look at for it.
"""

from collections.abc import Collection, Iterable, Mapping
from functools import reduce
from hashlib import sha256
from io import BytesIO
from zipfile import ZIP_STORED, BadZipFile, ZipFile, ZipInfo

import pyarrow as pa
import pyarrow.compute as pc

from central.errors import BadInput
from central.inputs import SCHEMAS, Inputs, empty
from central.rules.base import Suspicion

_PERSON = ("psn_no", "proxy_psn_no")
_WIDEST = 500_000


def narrow(inputs: Inputs, said: Iterable[Suspicion]) -> dict[str, pa.Table]:
    """What the evidence of these names: settlements, captures, and the registers about their persons and institutions."""
    each = list(said)
    return _around(
        inputs,
        settlements={setl_id for one in each for setl_id in one.vola_evid["setl_ids"]},
        captures={name for one in each for name in one.vola_evid["capture_ids"]},
        persons={psn_no for one in each for psn_no in one.vola_evid["psn_nos"]} | {one.psn_no for one in each if one.psn_no},
        sites={one.fixmedins_code for one in each},
    )


def wide(inputs: Inputs, said: Iterable[Suspicion], by: Mapping[str, str]) -> dict[str, pa.Table] | None:
    """That, and every row with the same values of what parts each rule (`by`: its `Rule.by`); None if these are too many to keep."""
    each = list(said)
    values: dict[str, set[str]] = {}
    for one in each:
        values.setdefault(by[one.rule_id], set()).add(one.subject_key.partition("/")[0])
    own = {name: _where(inputs, name, known) for name in SCHEMAS if (known := _known(values, SCHEMAS[name].names))}
    if sum(table.num_rows for table in own.values()) > _WIDEST:
        return None
    around = _around(
        inputs,
        settlements={setl_id for one in each for setl_id in one.vola_evid["setl_ids"]} | _texts(own.values(), "setl_id"),
        captures={name for one in each for name in one.vola_evid["capture_ids"]} | _texts(own.values(), "capture_id"),
        persons={psn_no for one in each for psn_no in one.vola_evid["psn_nos"]} | _texts(own.values(), "psn_no"),
        sites={one.fixmedins_code for one in each} | _texts(own.values(), "fixmedins_code"),
    )
    return {name: _together(around[name], own.get(name)) for name in SCHEMAS}


def _known(values: Mapping[str, set[str]], columns: Collection[str]) -> dict[str, Collection[str]]:
    return {column: wanted for column, wanted in values.items() if column in columns}


def pack(tables: Inputs) -> tuple[bytes, str]:
    """The tables as one file (a zip of Arrow streams, the same for the same tables), and its SHA-256; empty ones are left out."""
    out = BytesIO()
    with ZipFile(out, "w", ZIP_STORED) as archive:
        for name, table in sorted(tables.items()):
            if table.num_rows:
                archive.writestr(ZipInfo(f"{name}.arrows"), _stream(table))
    return out.getvalue(), sha256(out.getvalue()).hexdigest()


def unpack(content: bytes, digest: str) -> dict[str, pa.Table]:
    """The tables of `pack`. Raises BadInput if these are not the bytes that were kept."""
    if sha256(content).hexdigest() != digest:
        raise BadInput("the kept rows are not what was kept: their SHA-256 differs")
    try:
        with ZipFile(BytesIO(content)) as archive:
            return {name.removesuffix(".arrows"): pa.ipc.open_stream(archive.read(name)).read_all() for name in archive.namelist()}
    except (BadZipFile, pa.ArrowInvalid) as error:
        raise BadInput(f"the kept rows cannot be read: {error}") from None


def _stream(table: pa.Table) -> bytes:
    sink = BytesIO()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as stream:
        stream.write_table(table)
    return sink.getvalue()


def _around(
    inputs: Inputs, *, settlements: Collection[str], captures: Collection[str], persons: Collection[str], sites: Collection[str]
) -> dict[str, pa.Table]:
    seen = _where(inputs, "captures", {"capture_id": captures, "setl_id": settlements})
    ids = set(settlements) | _texts([seen], "setl_id")
    billed = _where(inputs, "settlements", {"setl_id": ids, "init_setl_id": ids, "medins_setl_id": _texts([seen], "msgid")})
    ids |= _texts([billed], "setl_id")
    seen = _where(inputs, "captures", {"capture_id": captures, "setl_id": ids, "msgid": _texts([billed], "medins_setl_id")})
    people = set(persons) | _texts([billed, seen], "psn_no") | _texts([seen], "proxy_psn_no")
    places = set(sites) | _texts([billed, seen], "fixmedins_code")
    kept = {name: _about(inputs, name, ids, people, places) for name in SCHEMAS if name not in ("settlements", "captures", "items")}
    items = _texts([kept["details"], kept["stock"]], "med_list_codg")
    return kept | {"settlements": billed, "captures": seen, "items": _where(inputs, "items", {"med_list_codg": items})}


def _about(inputs: Inputs, name: str, ids: Collection[str], people: Collection[str], places: Collection[str]) -> pa.Table:
    """Rows of a register: by settlement where it names any, else by person, else by institution; staff by both."""
    columns = SCHEMAS[name].names
    if "setl_id" in columns:
        return _where(inputs, name, {"setl_id": ids})
    if name == "staff":
        return _where(inputs, name, {"psn_no": people, "fixmedins_code": places})
    if any(column in columns for column in _PERSON):
        return _where(inputs, name, {column: people for column in _PERSON if column in columns})
    return _where(inputs, name, {"fixmedins_code": places}) if "fixmedins_code" in columns else inputs.get(name, empty(name))


def _where(inputs: Inputs, name: str, wanted: dict[str, Collection[str]]) -> pa.Table:
    """Rows in which one of the columns has one of its values."""
    table = inputs.get(name, empty(name))
    if not table.num_rows:
        return table
    masks = [pc.is_in(table[column].cast(pa.string()), pa.array(sorted(values), pa.string())) for column, values in wanted.items()]
    return table.filter(reduce(pc.or_, masks))


def _together(one: pa.Table, other: pa.Table | None) -> pa.Table:
    """Rows of both, each once. Equal rows within one of them become one too: a row is named by its key."""
    if other is None or not other.num_rows:
        return one
    both = pa.concat_tables([one, other])
    return both.group_by(both.column_names, use_threads=False).aggregate([])


def _texts(tables: Iterable[pa.Table], column: str) -> set[str]:
    found = (table[column].to_pylist() for table in tables if column in table.column_names)
    return {str(value) for values in found for value in values if value is not None}
