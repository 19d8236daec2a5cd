# ruff: noqa: S608 - fixed text and names of our own tables
"""Which rows hang together: SQL for DuckDB over the tables of `resident`, all of it fixed text.

`touched` are institutions, `differing_*` what changed by a look, `*_named` what the news named, `shown_values` what is looked at.
"""

from central.inputs import SCHEMAS

LINKED = ("coded", "coded_captures", "visits")
"""What linkage leaves."""

_WHOLE = frozenset({"persons", "proxies", "exemptions", "sites", "hours", "staff", "items", "filings"})
"""Looked up whole by rules, whatever the value."""

_NAMES_ANOTHER = """s.psn_no = c.psn_no AND s.fixmedins_code <> c.fixmedins_code
    AND (s.setl_id = c.setl_id OR s.medins_setl_id = c.msgid)"""

ASTRAY = f"""
SELECT s.fixmedins_code FROM all_captures AS c SEMI JOIN touched USING (fixmedins_code) JOIN all_settlements AS s ON {_NAMES_ANOTHER}
UNION SELECT c.fixmedins_code FROM all_settlements AS s SEMI JOIN touched USING (fixmedins_code) JOIN all_captures AS c ON {_NAMES_ANOTHER}
UNION SELECT c.fixmedins_code FROM all_coded AS s SEMI JOIN touched USING (fixmedins_code) JOIN all_coded_captures AS c
    ON s.capture_id = c.capture_id AND s.code = 'wrong_site'
UNION SELECT s.fixmedins_code FROM all_coded_captures AS c SEMI JOIN touched USING (fixmedins_code) JOIN all_coded AS s
    ON s.capture_id = c.capture_id AND s.code = 'wrong_site'
"""
"""Institutions whose captures or claims name those of touched ones, or did so at the last look."""

_LINES_KEYS = """SELECT fixmedins_code, setl_id FROM differing_coded UNION SELECT fixmedins_code, setl_id FROM lines_named"""

DIFFERING_LINES = f"""
SELECT * FROM before_details UNION ALL SELECT * FROM all_details SEMI JOIN ({_LINES_KEYS}) USING (fixmedins_code, setl_id)
"""
"""Lines, as they were and as they are, of settlements that changed or whose lines did."""

VALUES = {
    "fixmedins_code": """
SELECT fixmedins_code FROM differing_coded UNION SELECT fixmedins_code FROM differing_coded_captures
UNION SELECT fixmedins_code FROM lines_named UNION SELECT fixmedins_code FROM sites_named
UNION SELECT fixmedins_code FROM all_coded SEMI JOIN persons_named USING (psn_no)
UNION SELECT fixmedins_code FROM all_coded_captures SEMI JOIN persons_named USING (psn_no)
UNION SELECT fixmedins_code FROM all_staff SEMI JOIN codes_named USING (code)
UNION SELECT fixmedins_code FROM all_coded SEMI JOIN codes_named ON dr_codg = codes_named.code
UNION SELECT fixmedins_code FROM all_details SEMI JOIN codes_named ON bilg_dr_codg = codes_named.code OR phar_code = codes_named.code
""",
    "psn_no": """
SELECT psn_no FROM differing_coded UNION SELECT psn_no FROM differing_coded_captures UNION SELECT psn_no FROM persons_named
UNION SELECT psn_no FROM all_coded SEMI JOIN lines_named USING (fixmedins_code, setl_id)
UNION SELECT psn_no FROM all_coded SEMI JOIN sites_named USING (fixmedins_code)
UNION SELECT psn_no FROM all_coded_captures SEMI JOIN sites_named USING (fixmedins_code)
UNION SELECT psn_no FROM all_stays SEMI JOIN sites_named USING (fixmedins_code)
UNION SELECT psn_no FROM all_rounds SEMI JOIN sites_named USING (fixmedins_code)
UNION SELECT psn_no FROM all_staff SEMI JOIN codes_named USING (code)
""",
    "face_group": """
SELECT CAST(face_group AS VARCHAR) FROM differing_coded_captures UNION SELECT CAST(face_group AS VARCHAR) FROM differing_visits
UNION SELECT CAST(face_group AS VARCHAR) FROM all_visits SEMI JOIN persons_named USING (psn_no)
UNION SELECT CAST(face_group AS VARCHAR) FROM all_visits SEMI JOIN lines_named USING (fixmedins_code, setl_id)
UNION SELECT CAST(face_group AS VARCHAR) FROM all_coded_captures SEMI JOIN sites_named USING (fixmedins_code)
""",
    "code": """
SELECT dr_codg FROM differing_coded UNION SELECT bilg_dr_codg FROM differing_lines UNION SELECT phar_code FROM differing_lines
UNION SELECT code FROM codes_named
UNION SELECT code FROM all_staff SEMI JOIN sites_named USING (fixmedins_code)
UNION SELECT code FROM all_sign_ins SEMI JOIN sites_named USING (fixmedins_code)
""",
    "drug_trac_codg": "SELECT DISTINCT drug_trac_codg FROM differing_lines",
}
"""The values of a column that news touches. A column that is not named here is looked at whole."""

_CHOSEN = "SELECT value FROM shown_values"
_BY_CODE = f"""fixmedins_code || '/' || setl_id IN (
    SELECT fixmedins_code || '/' || setl_id FROM all_coded WHERE dr_codg IN ({_CHOSEN})
    UNION SELECT fixmedins_code || '/' || setl_id FROM all_details WHERE bilg_dr_codg IN ({_CHOSEN}) OR phar_code IN ({_CHOSEN}))"""
_BY_TRACE = f"""fixmedins_code || '/' || setl_id IN (
    SELECT fixmedins_code || '/' || setl_id FROM all_details WHERE drug_trac_codg IN ({_CHOSEN}))"""
_BY_FACE = f"CAST(face_group AS VARCHAR) IN ({_CHOSEN})"
_OF_FACE = f"fixmedins_code || '/' || setl_id IN (SELECT fixmedins_code || '/' || setl_id FROM all_visits WHERE {_BY_FACE})"


def _linked(coded: str, captures: str, visits: str) -> dict[str, str]:
    conditions = dict(zip(LINKED, (coded, captures, visits), strict=True))
    return {name: f'SELECT * FROM "all_{name}" WHERE {condition}' for name, condition in conditions.items()}


_BEHIND = "capture_id IN (SELECT capture_id FROM all_coded WHERE {})"

LINKED_WITH = {
    "fixmedins_code": _linked(*[f"fixmedins_code IN ({_CHOSEN})"] * 3),
    "psn_no": _linked(*[f"psn_no IN ({_CHOSEN})"] * 3),
    "face_group": _linked(_OF_FACE, _BY_FACE, _BY_FACE),
    "code": _linked(_BY_CODE, _BEHIND.format(_BY_CODE), _BY_CODE),
    "drug_trac_codg": _linked(_BY_TRACE, _BEHIND.format(_BY_TRACE), _BY_TRACE),
}
"""What linkage left, of the rows with the values that are looked at and what belongs to them."""


def part_with(name: str, by: str) -> str:
    """The end of a query that narrows an input to what rules may look at for those values."""
    if name in _WHOLE:
        return ""
    if by in SCHEMAS[name].names:
        return f"WHERE CAST({by} AS VARCHAR) IN ({_CHOSEN})"
    if name in ("details", "places"):
        return "SEMI JOIN coded USING (fixmedins_code, setl_id)"
    return ""
