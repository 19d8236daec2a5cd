"""What is compared, column by column: every table that linkage, rules and indicators read, the same on every engine.

Moments are whole microseconds since 1970 in UTC (int64), money whole fen, quantities thousandths of a unit (both int64), places degrees
(float64, WGS 84); everything else is text, whole numbers and truth values. Names are the national ones where there are such. A span runs
from its beginning (included) to its end (excluded); one without known end ends at FOREVER.
"""

from collections.abc import Mapping
from enum import StrEnum

import pyarrow as pa

FOREVER = 253_402_300_800_000_000
"""The end of the year 9999: later than any moment here."""

_TEXT, _WHOLE, _REAL, _TRUTH = pa.string(), pa.int64(), pa.float64(), pa.bool_()
_MOMENT = _FEN = _THOUSANDTHS = _WHOLE


def _schema(**columns: pa.DataType) -> pa.Schema:
    return pa.schema([pa.field(name, kind) for name, kind in columns.items()])


SETTLEMENTS = _schema(
    fixmedins_code=_TEXT,
    setl_id=_TEXT,
    medins_setl_id=_TEXT,
    mdtrt_id=_TEXT,
    psn_no=_TEXT,
    mdtrt_cert_type=_TEXT,
    insutype=_TEXT,
    med_type=_TEXT,
    mdtrtarea_admvs=_TEXT,
    insuplc_admdvs=_TEXT,
    setl_time=_MOMENT,
    begndate=_MOMENT,
    enddate=_MOMENT,
    medfee_sumamt=_FEN,
    fund_pay_sumamt=_FEN,
    acct_pay=_FEN,
    psn_cash_pay=_FEN,
    refd_setl_flag=_WHOLE,
    init_setl_id=_TEXT,
    dr_codg=_TEXT,
    dept_code=_TEXT,
    ipt_otp_no=_TEXT,
    adm_bed=_TEXT,
    dscg_maindiag_code=_TEXT,
    dscg_way=_TEXT,
    days_rinp_flag_31=_WHOLE,
    opter=_TEXT,
    opter_type=_TEXT,
    dev_no=_TEXT,
    received_at=_MOMENT,
)
"""What the fund was billed; refunds are rows of their own with negative amounts. `received_at`: when it first came here (null: not
known); `opter_type`: 1 clerk, 2 self-service terminal, 3 mobile (null: not said). Key: fixmedins_code, setl_id."""

CAPTURES = _schema(
    capture_id=_TEXT,
    device_id=_TEXT,
    fixmedins_code=_TEXT,
    window=_TEXT,
    msgid=_TEXT,
    psn_no=_TEXT,
    opened_at=_MOMENT,
    closed_at=_MOMENT,
    closing=_TEXT,
    setl_id=_TEXT,
    bound_setl_time=_MOMENT,
    outcome=_TEXT,
    similarity=_REAL,
    liveness=_TEXT,
    persons=_WHOLE,
    frames_seen=_WHOLE,
    frames_used=_WHOLE,
    voided=_TRUTH,
    face_group=_WHOLE,
    face_band=_TEXT,
    face_similarity=_REAL,
    staff_face=_TRUTH,
    watched_face=_TRUTH,
    camera_fault=_TRUTH,
    manual_reason=_TEXT,
    proxy_psn_no=_TEXT,
    clock_error_ms=_REAL,
    distrusted=_TRUTH,
    received_at=_MOMENT,
)
"""What the windows saw. `setl_id` is what the till bound it to. `staff_face`: the subject is one of the staff; `watched_face`: somebody in
view is on the watch list; `camera_fault`: the camera failed for a while; `manual_reason`, `proxy_psn_no`: what a clerk stated, and whom as
proxy; `clock_error_ms`: how far the device's clock may have been off (null: not known); `distrusted`: the device was not to be believed
then, so it proves nothing; `received_at`: when it came here (null: not known). Key: capture_id."""

COVERAGE = _schema(
    device_id=_TEXT,
    fixmedins_code=_TEXT,
    window=_TEXT,
    role=_TEXT,
    since=_MOMENT,
    until=_MOMENT,
    seen_us=_WHOLE,
    covered_us=_WHOLE,
    failed_us=_WHOLE,
    entered=_WHOLE,
    stayed=_WHOLE,
)
"""How long a camera saw, hour by hour. `role`: window, bedside, treatment or entrance. `covered_us`: it was covered, moved, defocused or
dark, as a hand does it; `failed_us`: lost, hung or frozen, as cables and cameras do it. What is in none of the three nobody watched: the
agent did not run. `entered`, `stayed`: people counted, null where nobody counted. Key: device_id, window, since."""

SITES = _schema(
    fixmedins_code=_TEXT, kind=_TEXT, level=_TEXT, admdvs=_TEXT, latitude=_REAL, longitude=_REAL, watched_from=_MOMENT, always_open=_TRUTH
)
"""Institutions. `kind`: H hospital or clinic, P pharmacy; `watched_from`: since when a terminal watches its windows, null where none does.
Key: fixmedins_code."""

HOURS = _schema(fixmedins_code=_TEXT, weekday=_WHOLE, opens=_WHOLE, closes=_WHOLE)
"""Declared business hours: weekday 1 (Monday) to 7, minutes of the day in China. An institution without rows declared none."""

PERSONS = _schema(psn_no=_TEXT, death_date=_MOMENT, suspended_until=_MOMENT)
"""What is registered of insured persons: the beginning of the day of death, and until when joint settlement is suspended. Key: psn_no."""

PROXIES = _schema(psn_no=_TEXT, proxy_psn_no=_TEXT, valid_from=_MOMENT, valid_to=_MOMENT, known_since=_MOMENT)
"""Registered proxies (代办人). `known_since`: since when windows know the proxy's face, null where they do not, so that no camera can say
that somebody else came. Key: psn_no, proxy_psn_no, valid_from."""

EXEMPTIONS = _schema(psn_no=_TEXT, valid_from=_MOMENT, valid_to=_MOMENT)
"""Persons who do not use the face: what a camera says of their face counts for nothing."""

STAFF = _schema(fixmedins_code=_TEXT, psn_no=_TEXT, role=_TEXT, code=_TEXT, valid_from=_MOMENT, valid_to=_MOMENT)
"""Who works where. `code`: the national code of a doctor, nurse or pharmacist, null for a clerk; `psn_no` may be unknown."""

SIGN_INS = _schema(fixmedins_code=_TEXT, code=_TEXT, signed_at=_MOMENT, left_at=_MOMENT)
"""Doctors and pharmacists who signed in by face, and when they signed out (null: not said)."""

DETAILS = _schema(
    fixmedins_code=_TEXT,
    setl_id=_TEXT,
    feedetl_sn=_TEXT,
    fee_ocur_time=_MOMENT,
    med_list_codg=_TEXT,
    list_type=_TEXT,
    cnt=_THOUSANDTHS,
    det_item_fee_sumamt=_FEN,
    inscp_amt=_FEN,
    prd_days=_WHOLE,
    rxno=_TEXT,
    bilg_dr_codg=_TEXT,
    phar_code=_TEXT,
    drug_trac_codg=_TEXT,
    trdn_flag=_WHOLE,
)
"""Lines of settlements, negative in refunds. `inscp_amt`: within the policy's scope, the amount to use; null where it was not said.
`trdn_flag`: 1 where parts of a pack were sold (拆零), whose trace code comes again by right. Key: fixmedins_code, setl_id, feedetl_sn."""

ITEMS = _schema(med_list_codg=_TEXT, ingredient=_TEXT, most_days=_WHOLE, per_session=_TRUTH)
"""What is known of items: the ingredient of a drug, the longest supply allowed in days (null: the rule's default), and whether it is billed
for each session at which the patient must be there (haemodialysis, physiotherapy). Key: med_list_codg."""

STOCK = _schema(fixmedins_code=_TEXT, med_list_codg=_TEXT, moved_at=_MOMENT, movement=_TEXT, cnt=_THOUSANDTHS)
"""Movements of stock: `opening` (what was there), `purchase`, `return` (to the supplier), `loss`; quantities are positive."""

STAYS = _schema(
    fixmedins_code=_TEXT,
    mdtrt_id=_TEXT,
    psn_no=_TEXT,
    ward=_TEXT,
    adm_bed=_TEXT,
    admitted_at=_MOMENT,
    discharged_at=_MOMENT,
    dscg_way=_TEXT,
)
"""Inpatient stays (2401, 2402); `discharged_at` null while it lasts. dscg_way 5: died. Key: fixmedins_code, mdtrt_id."""

LEAVES = _schema(fixmedins_code=_TEXT, mdtrt_id=_TEXT, leave_from=_MOMENT, leave_to=_MOMENT, reason=_TEXT)
"""When an inpatient was away by leave, for an examination elsewhere (外检) or transferred (转院): `reason` leave, examination, transfer."""

ROUNDS = _schema(fixmedins_code=_TEXT, mdtrt_id=_TEXT, psn_no=_TEXT, place=_TEXT, at=_MOMENT, outcome=_TEXT)
"""Face rounds: `place` bed or treatment; `outcome` same, different, undecided, absent or blind (nobody could look)."""

FILINGS = _schema(psn_no=_TEXT, mdtrtarea_admvs=_TEXT, valid_from=_MOMENT, valid_to=_MOMENT)
"""Registered treatment in another place (异地就医备案)."""

PLACES = _schema(fixmedins_code=_TEXT, setl_id=_TEXT, latitude=_REAL, longitude=_REAL)
"""Where a mobile payment was ordered (6201 uldLatlnt). 0, 0 means that it is not known."""

REPORTS = _schema(fixmedins_code=_TEXT, source=_TEXT, since=_MOMENT, until=_MOMENT)
"""How far each source has told of an institution: a terminal (its device_id: enrolled when, and up to which moment everything that it
wrote is here, null before its first word) or `claims` (the first and the last setl_time). Where a source is missing, its captures,
coverage or claims tell. Key: fixmedins_code, source."""

CLAIMS = "claims"
"""The source of claims in `reports`."""

SCHEMAS: Mapping[str, pa.Schema] = {
    "settlements": SETTLEMENTS,
    "captures": CAPTURES,
    "coverage": COVERAGE,
    "sites": SITES,
    "hours": HOURS,
    "persons": PERSONS,
    "proxies": PROXIES,
    "exemptions": EXEMPTIONS,
    "staff": STAFF,
    "sign_ins": SIGN_INS,
    "details": DETAILS,
    "items": ITEMS,
    "stock": STOCK,
    "stays": STAYS,
    "leaves": LEAVES,
    "rounds": ROUNDS,
    "filings": FILINGS,
    "places": PLACES,
    "reports": REPORTS,
}
"""Every table by name, as `rules.base.Tables` names it."""


class Kind(StrEnum):
    """What an identifier names. Only identifiers of one kind are ever compared with each other."""

    INSTITUTION = "institution"
    PERSON = "person"
    SETTLEMENT = "settlement"
    TREATMENT = "treatment"
    CAPTURE = "capture"
    PRACTITIONER = "practitioner"
    ITEM = "item"


IDENTIFIERS: Mapping[str, Kind] = {
    "fixmedins_code": Kind.INSTITUTION,
    "psn_no": Kind.PERSON,
    "proxy_psn_no": Kind.PERSON,
    "setl_id": Kind.SETTLEMENT,
    "init_setl_id": Kind.SETTLEMENT,
    "capture_id": Kind.CAPTURE,
    "mdtrt_id": Kind.TREATMENT,
    "dr_codg": Kind.PRACTITIONER,
    "bilg_dr_codg": Kind.PRACTITIONER,
    "phar_code": Kind.PRACTITIONER,
    "code": Kind.PRACTITIONER,
    "med_list_codg": Kind.ITEM,
    "ingredient": Kind.ITEM,
}
"""The columns, of any table, that name something: nothing is asked of them but whether they are the same, and which comes first. A code
that says something by itself is none. An ingredient stands for the items that have it."""

Inputs = Mapping[str, pa.Table]
"""Tables by name; one that is missing is empty."""


def shaped(name: str, table: pa.Table) -> pa.Table:
    """A table in the schema of its name: columns in order, moments as whole microseconds, columns that it lacks all null.

    Raises KeyError for an unknown name, pyarrow.ArrowInvalid for a column that cannot be what it must.
    """
    schema = SCHEMAS[name]
    columns = [
        _whole(table[field.name]).cast(field.type) if field.name in table.column_names else pa.nulls(table.num_rows, field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)


def empty(name: str) -> pa.Table:
    """The table without rows."""
    return SCHEMAS[name].empty_table()


def _whole(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column
