# ruff: noqa: S608 - fixed text and names of our own tables
"""Which rows hang together: SQL for DuckDB over the tables of `resident`, all of it fixed text.

`touched` are institutions, `differing_<name>` the rows of a table as they were and are not any more, and as they are and were not,
`shown_values` what is looked at. The names that rules read stand for the part of a table that is shown.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

LINKED = {"coded": ("fixmedins_code", "setl_id"), "coded_captures": ("capture_id",), "visits": ("fixmedins_code", "setl_id")}
"""What linkage leaves, each with what names its rows."""

_NAMES_ANOTHER = """s.psn_no = c.psn_no AND s.fixmedins_code <> c.fixmedins_code
    AND (s.setl_id = c.setl_id OR s.medins_setl_id = c.msgid)"""


def _across(billed: str, seen: str, touched: str, other: str) -> str:
    here = "SEMI JOIN touched USING (fixmedins_code)"
    sides = {
        "s": f"(SELECT * FROM {billed} {here if touched == 's' else ''})",
        "c": f"(SELECT * FROM {seen} {here if touched == 'c' else ''})",
    }
    return f"SELECT {other}.fixmedins_code FROM {sides['s']} AS s JOIN {sides['c']} AS c ON {_NAMES_ANOTHER}"


ASTRAY = " UNION ".join(
    (
        _across("all_settlements", "all_captures", "c", "s"),
        _across("all_settlements", "all_captures", "s", "c"),
        _across("all_settlements", "differing_captures", "c", "s"),
        _across("differing_settlements", "all_captures", "s", "c"),
    )
)
"""Institutions whose captures or claims name those of touched ones, as these are now or as they were before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How a table hangs on the values of a column: a query for the `values` (as text) that its differing rows touch, and the end of one for
    the `part` of its rows that rules may look at for the values shown (empty: all rows). `after` are tables whose part it builds on.
    """

    values: str
    part: str = ""
    after: tuple[str, ...] = ()


_CHOSEN = "(SELECT value FROM shown_values)"
_BILL, _STAY = "fixmedins_code, setl_id", "fixmedins_code, mdtrt_id"
_OF_SHOWN = f"(fixmedins_code, linked_setl_id) IN (SELECT {_BILL} FROM coded)"


def _own(column: str, *names: str) -> dict[str, Way]:
    """Tables that have the column themselves."""
    values = f"SELECT CAST({column} AS VARCHAR) FROM differing_"
    return {name: Way(values=values + name, part=f"WHERE CAST({column} AS VARCHAR) IN {_CHOSEN}") for name in names}


def _through(column: str, tables: Iterable[str], by: str, *names: str, part: str = "", after: tuple[str, ...] = ()) -> dict[str, Way]:
    """Tables whose rows belong to those of others, which have the column."""
    values = "SELECT CAST({0} AS VARCHAR) FROM all_{1} SEMI JOIN differing_{2} USING ({3})"
    return {
        name: Way(values=" UNION ".join(values.format(column, table, name, by) for table in tables), part=part, after=after)
        for name in names
    }


def _any(name: str, *conditions: str) -> str:
    """Rows for which one of the conditions holds; each is looked for by itself, which is sooner done than trying both on every row."""
    rows = " UNION ".join(f"SELECT rowid FROM all_{name} WHERE {condition}" for condition in conditions)
    return f"WHERE rowid IN ({rows})"


_OF_PERSONS = ("persons", "proxies", "exemptions", "filings")

_SITES = {
    **_own("fixmedins_code", "coded", "visits", "coverage", "sites", "hours", "staff", "sign_ins", "details", "places"),
    **_own("fixmedins_code", "stock", "stays", "leaves", "rounds"),
    "coded_captures": Way(  # one that went astray stands for a settlement of another institution
        values="""SELECT fixmedins_code FROM differing_coded_captures
            UNION SELECT fixmedins_code FROM all_coded SEMI JOIN differing_coded_captures USING (capture_id)""",
        part=_any("coded_captures", f"fixmedins_code IN {_CHOSEN}", "capture_id IN (SELECT capture_id FROM coded)"),
        after=("coded",),
    ),
    **_through("fixmedins_code", ("coded", "coded_captures", "stays", "rounds"), "psn_no", *_OF_PERSONS),
}

_PAID_BY = f"SELECT {_BILL} FROM all_coded WHERE psn_no IN {_CHOSEN}"
_PERSONS = {
    **_own("psn_no", "visits", "persons", "proxies", "exemptions", "staff"),
    "coded": Way(  # a refund belongs to what it takes back, whoever is named in it
        values="""SELECT psn_no FROM differing_coded UNION SELECT o.psn_no FROM all_coded AS o
            JOIN differing_coded AS d ON o.fixmedins_code = d.fixmedins_code AND o.setl_id = d.init_setl_id""",
        part=_any("coded", f"psn_no IN {_CHOSEN}", f"init_setl_id IS NOT NULL AND (fixmedins_code, init_setl_id) IN ({_PAID_BY})"),
    ),
    "coded_captures": Way(  # one made with another's card may stand for the settlement, too
        values="""SELECT psn_no FROM differing_coded_captures UNION SELECT s.psn_no FROM all_coded AS s
            JOIN differing_coded_captures AS d ON s.fixmedins_code = d.fixmedins_code AND s.setl_id = d.linked_setl_id""",
        part=_any("coded_captures", f"psn_no IN {_CHOSEN}", _OF_SHOWN),
        after=("coded",),
    ),
    "filings": Way(values="SELECT psn_no FROM differing_filings"),
    "stays": Way(  # a stay excuses by its number, too, whoever is registered with it
        values=f"SELECT psn_no FROM differing_stays UNION SELECT psn_no FROM all_coded SEMI JOIN differing_stays USING ({_STAY})",
        part=_any("stays", f"psn_no IN {_CHOSEN}", f"({_STAY}) IN (SELECT {_STAY} FROM coded)"),
        after=("coded",),
    ),
    **_through(
        *("psn_no", ("coded", "stays"), _STAY, "leaves"),
        part=f"SEMI JOIN (SELECT {_STAY} FROM coded UNION SELECT {_STAY} FROM stays) USING ({_STAY})",
        after=("coded", "stays"),
    ),
    **_through("psn_no", ("coded",), _BILL, "details", "places", part=f"SEMI JOIN coded USING ({_BILL})", after=("coded",)),
    **_through("psn_no", ("coded",), "fixmedins_code", "sites"),
}

_FACES = {
    **_own("face_group", "visits"),
    **_through("face_group", ("visits",), "capture_id", "coded_captures", part="SEMI JOIN visits USING (capture_id)", after=("visits",)),
    **_through("face_group", ("visits",), "psn_no", "proxies", "exemptions"),
    **_through("face_group", ("visits",), _BILL, "coded", "details", "places", part=f"SEMI JOIN visits USING ({_BILL})", after=("visits",)),
}

_PROXIES = {
    **_own("proxy_psn_no", "visits"),
    "coded": Way(
        values="""SELECT c.proxy_psn_no FROM all_coded_captures AS c
            JOIN differing_coded AS d ON c.fixmedins_code = d.fixmedins_code AND c.linked_setl_id = d.setl_id""",
        part=f"""WHERE ({_BILL}) IN
            (SELECT fixmedins_code, linked_setl_id FROM all_coded_captures WHERE proxy_psn_no IN {_CHOSEN})""",
    ),
    "coded_captures": Way(
        values="SELECT proxy_psn_no FROM differing_coded_captures",
        part=_any("coded_captures", f"proxy_psn_no IN {_CHOSEN}", _OF_SHOWN),
        after=("coded",),
    ),
    **_through("proxy_psn_no", ("visits",), "psn_no", "proxies"),
    "exemptions": Way(
        values="""SELECT psn_no FROM differing_exemptions
            UNION SELECT proxy_psn_no FROM all_visits SEMI JOIN differing_exemptions USING (psn_no)"""
    ),
    **_through("proxy_psn_no", ("visits",), _BILL, "details", "places", part=f"SEMI JOIN coded USING ({_BILL})", after=("coded",)),
}

_CODES = {
    **_own("code", "sign_ins", "staff"),
    **_through("code", ("sign_ins",), "fixmedins_code", "sites"),
    "coded": Way(values="SELECT dr_codg FROM differing_coded", part=f"WHERE dr_codg IN {_CHOSEN}"),
    **_through(
        *("dr_codg", ("coded",), "capture_id", "coded_captures", "visits"), part="SEMI JOIN coded USING (capture_id)", after=("coded",)
    ),
    "details": Way(
        values="SELECT bilg_dr_codg FROM differing_details UNION SELECT phar_code FROM differing_details",
        part=f"WHERE bilg_dr_codg IN {_CHOSEN} OR phar_code IN {_CHOSEN}",
    ),
}

_TRACED = f"WHERE ({_BILL}) IN (SELECT {_BILL} FROM all_details WHERE drug_trac_codg IN {_CHOSEN})"
_TRACES = {
    **_own("drug_trac_codg", "details"),
    **{
        name: Way(values=f"SELECT drug_trac_codg FROM all_details SEMI JOIN differing_{name} USING ({_BILL})", part=_TRACED)
        for name in ("coded", "visits")
    },
    "coded_captures": Way(
        values="""SELECT t.drug_trac_codg FROM all_details AS t
            JOIN differing_coded_captures AS d ON t.fixmedins_code = d.fixmedins_code AND t.setl_id = d.linked_setl_id""",
        part=f"WHERE (fixmedins_code, linked_setl_id) IN (SELECT {_BILL} FROM coded)",
        after=("coded",),
    ),
}

WAYS: Mapping[str, Mapping[str, Way]] = {
    "fixmedins_code": _SITES,
    "psn_no": _PERSONS,
    "face_group": _FACES,
    "proxy_psn_no": _PROXIES,
    "code": _CODES,
    "drug_trac_codg": _TRACES,
}
"""By what parts rules (`Rule.by`), how each table hangs on its values. Where a table is not named nobody knows: then all is looked at."""
