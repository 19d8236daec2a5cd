"""Every dataset that comes from outside, column by column, but claims and captures: one table of this file is the whole format."""

from central.feeds import checks
from central.feeds.kinds import DAY_OR_TIME, INSTANT, TIME, Code, OneOf, Text
from central.feeds.model import Column, Spec
from central.feeds.numbers import FLAG, MONEY, QUANTITY, MinuteOfDay, Real, Truth, Whole
from central.inputs import FOREVER

_WORD = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
IDENTIFIER = Code(r"[A-Za-z0-9_-]{1,30}", "an id of at most 30 letters, digits, _ and -", 30, _WORD + "_-")
MSGID = Code(r"[A-Za-z0-9]{1,30}", "a msgid of at most 30 letters and digits", 30, _WORD)
REGION = Code(r"[0-9]{6}", "a region of 6 digits", 6)
CODE_6 = Code(r"[0-9A-Za-z]{1,6}", "a code of at most 6 letters and digits", 6, _WORD)
CODE_3 = Code(r"[0-9A-Za-z]{1,3}", "a code of at most 3 letters and digits", 3, _WORD)
ITEM = Code(r"[A-Za-z0-9._-]{1,50}", "a code of at most 50 letters, digits, dots, _ and -", 50, _WORD + "._-")
STAFF_CODE = Code(r"[A-Za-z0-9_-]{1,30}", "a code of at most 30 letters, digits, _ and -", 30, _WORD + "_-")
_SHOWN = 80
LATITUDE, LONGITUDE = Real(-90, 90), Real(-180, 180)


def site_code(pattern: str) -> Code:
    """A fixmedins_code as the settings describe it."""
    return Code(pattern, f"an institution code matching {pattern if len(pattern) <= _SHOWN else pattern[:_SHOWN] + '…'}", 12)


def registers(site: Code) -> tuple[Spec, ...]:
    """All of them; `site` is what a fixmedins_code must be."""
    at = Column(name="fixmedins_code", kind=site, required=True, meaning="institution")
    return (*_lines(at), *_people(), *_workers(at), *_places(at), *_inpatients(at))


def _span(meaning: str, first: str = "from", last: str = "to") -> tuple[Column, Column]:
    return (
        Column(name="valid_from", kind=DAY_OR_TIME, meaning=f"{meaning} begins; empty: ever since", also=(first,), absent=0),
        Column(name="valid_to", kind=DAY_OR_TIME, meaning=f"{meaning} ends (excluded); empty: not known", also=(last,), absent=FOREVER),
    )


_person = Column(name="psn_no", kind=IDENTIFIER, required=True, meaning="insured person, opaque")
_spanned = (checks.order("valid_from", "valid_to", apart=True),)


def _lines(at: Column) -> tuple[Spec, ...]:
    return (_details(at), *_goods(at))


def _details(at: Column) -> Spec:
    return Spec(
        name="details",
        meaning="lines of settlements",
        key=("fixmedins_code", "setl_id", "feedetl_sn"),
        moment="fee_ocur_time",
        columns=(
            at,
            Column(name="setl_id", kind=IDENTIFIER, required=True, meaning="settlement that the line belongs to"),
            Column(name="feedetl_sn", kind=IDENTIFIER, required=True, meaning="serial of the line"),
            Column(name="fee_ocur_time", kind=TIME, required=True, meaning="when the fee arose"),
            Column(name="med_list_codg", kind=ITEM, required=True, meaning="national code of the item"),
            Column(name="list_type", kind=CODE_6, meaning="101 drug, 102 herbal, 201 service, 301 material"),
            Column(name="cnt", kind=QUANTITY, required=True, meaning="quantity, negative in refunds"),
            Column(name="det_item_fee_sumamt", kind=MONEY, required=True, meaning="amount, negative in refunds"),
            Column(name="inscp_amt", kind=MONEY, meaning="amount within the policy's scope"),
            Column(name="prd_days", kind=Whole(0, 3660), meaning="days of supply"),
            Column(name="rxno", kind=Text(50), meaning="prescription"),
            Column(name="bilg_dr_codg", kind=STAFF_CODE, meaning="doctor who ordered"),
            Column(name="phar_code", kind=STAFF_CODE, meaning="pharmacist"),
            Column(name="drug_trac_codg", kind=ITEM, meaning="trace code of the pack"),
            Column(name="trdn_flag", kind=FLAG, meaning="1: the pack was broken up, so its code may stand in several sales"),
        ),
    )


def _goods(at: Column) -> tuple[Spec, Spec]:
    items = Spec(
        name="items",
        meaning="what is known of items",
        key=("med_list_codg",),
        columns=(
            Column(name="med_list_codg", kind=ITEM, required=True, meaning="national code of the item"),
            Column(name="ingredient", kind=Text(200), meaning="ingredient of a drug"),
            Column(name="most_days", kind=Whole(1, 3660), meaning="longest supply allowed; empty: the rule's default"),
            Column(
                name="per_session", kind=Truth(), required=True, meaning="1: billed for each session at which the patient must be there"
            ),
        ),
    )
    stock = Spec(
        name="stock",
        meaning="movements of stock",
        key=("fixmedins_code", "med_list_codg", "moved_at", "movement"),
        moment="moved_at",
        columns=(
            at,
            Column(name="med_list_codg", kind=ITEM, required=True, meaning="national code of the item"),
            Column(name="moved_at", kind=TIME, required=True, meaning="when"),
            Column(
                name="movement",
                kind=OneOf(("opening", "purchase", "return", "loss")),
                required=True,
                meaning="opening: what was there; return: to the supplier",
            ),
            Column(
                name="cnt", kind=QUANTITY, required=True, meaning="quantity, above 0; a movement in several lots is one row with the sum"
            ),
        ),
        checks=(checks.not_above_zero("cnt"),),
    )
    return items, stock


def _people() -> tuple[Spec, ...]:
    proxy = Column(name="proxy_psn_no", kind=IDENTIFIER, required=True, meaning="who may act for the person", also=("proxy_ref",))
    return (
        Spec(
            name="persons",
            meaning="what is registered of insured persons",
            key=("psn_no",),
            columns=(
                _person,
                Column(name="death_date", kind=DAY_OR_TIME, meaning="day of death"),
                Column(name="suspended_until", kind=DAY_OR_TIME, meaning="until when joint settlement is suspended"),
            ),
            also=("person",),
        ),
        Spec(
            name="proxies",
            meaning="registered proxies (代办人)",
            key=("psn_no", "proxy_psn_no", "valid_from"),
            columns=(
                _person,
                proxy,
                *_span("the term"),
                Column(name="known_since", kind=INSTANT, meaning="since when windows know the proxy's face; empty: they do not"),
            ),
            checks=(*_spanned, checks.same("psn_no", "proxy_psn_no")),
            also=("proxy",),
        ),
        Spec(
            name="exemptions",
            meaning="persons who do not use the face",
            key=("psn_no", "valid_from"),
            columns=(_person, *_span("the exception")),
            checks=_spanned,
        ),
        Spec(
            name="filings",
            meaning="registered treatment in another place (异地就医备案)",
            key=("psn_no", "mdtrtarea_admvs", "valid_from"),
            columns=(
                _person,
                Column(name="mdtrtarea_admvs", kind=REGION, required=True, meaning="region of treatment"),
                *_span("the filing"),
            ),
            checks=_spanned,
        ),
    )


def _workers(at: Column) -> tuple[Spec, Spec]:
    return (
        Spec(
            name="staff",
            meaning="who works where",
            key=("fixmedins_code", "psn_no", "code", "valid_from"),
            columns=(
                at,
                Column(name="psn_no", kind=IDENTIFIER, meaning="insured person, where it is known"),
                Column(name="role", kind=Text(30), required=True, meaning="doctor, nurse, pharmacist, clerk ..."),
                Column(name="code", kind=STAFF_CODE, meaning="national code of a doctor, nurse or pharmacist"),
                *_span("the work"),
            ),
            checks=_spanned,
        ),
        Spec(
            name="sign_ins",
            meaning="doctors and pharmacists who signed in by face",
            key=("fixmedins_code", "code", "signed_at"),
            moment="signed_at",
            columns=(
                at,
                Column(name="code", kind=STAFF_CODE, required=True, meaning="national code"),
                Column(name="signed_at", kind=TIME, required=True, meaning="signed in"),
                Column(name="left_at", kind=TIME, meaning="signed out; empty: not said"),
            ),
            checks=(checks.order("signed_at", "left_at"),),
        ),
    )


def _places(at: Column) -> tuple[Spec, ...]:
    return (
        Spec(
            name="sites",
            meaning="institutions",
            key=("fixmedins_code",),
            columns=(
                at,
                Column(name="kind", kind=OneOf(("H", "P")), required=True, meaning="H hospital or clinic, P pharmacy"),
                Column(name="level", kind=Text(20), meaning="level of a hospital"),
                Column(name="admdvs", kind=REGION, required=True, meaning="region"),
                Column(name="latitude", kind=LATITUDE, meaning="degrees, WGS 84"),
                Column(name="longitude", kind=LONGITUDE, meaning="degrees, WGS 84"),
                Column(name="watched_from", kind=DAY_OR_TIME, meaning="since when a terminal watches its windows; empty: none does"),
                Column(name="always_open", kind=Truth(), meaning="1: declared to be open day and night"),
            ),
        ),
        Spec(
            name="hours",
            meaning="declared business hours; a day with a break has two rows",
            key=("fixmedins_code", "weekday", "opens"),
            columns=(
                at,
                Column(name="weekday", kind=Whole(1, 7), required=True, meaning="1 Monday to 7"),
                Column(name="opens", kind=MinuteOfDay(), required=True, meaning="from", also=("open",)),
                Column(
                    name="closes", kind=MinuteOfDay(), required=True, meaning="to; at or before opens: on the next day", also=("close",)
                ),
            ),
        ),
        Spec(
            name="places",
            meaning="where a mobile payment was ordered (6201 uldLatlnt)",
            key=("fixmedins_code", "setl_id"),
            columns=(
                at,
                Column(name="setl_id", kind=IDENTIFIER, required=True, meaning="settlement"),
                Column(name="latitude", kind=LATITUDE, required=True, meaning="degrees, WGS 84; 0, 0: not known"),
                Column(name="longitude", kind=LONGITUDE, required=True, meaning="degrees, WGS 84"),
            ),
        ),
    )


def _inpatients(at: Column) -> tuple[Spec, ...]:
    visit = Column(name="mdtrt_id", kind=IDENTIFIER, required=True, meaning="visit")
    return (
        Spec(
            name="stays",
            meaning="inpatient stays (2401, 2402)",
            key=("fixmedins_code", "mdtrt_id"),
            moment="admitted_at",
            columns=(
                at,
                visit,
                _person,
                Column(name="ward", kind=Text(50), meaning="ward"),
                Column(name="adm_bed", kind=Text(30), meaning="bed"),
                Column(name="admitted_at", kind=TIME, required=True, meaning="admitted"),
                Column(name="discharged_at", kind=TIME, meaning="discharged; empty while it lasts"),
                Column(name="dscg_way", kind=CODE_3, meaning="way of discharge, 5: died"),
            ),
            checks=(checks.order("admitted_at", "discharged_at"),),
        ),
        Spec(
            name="leaves",
            meaning="when an inpatient was away",
            key=("fixmedins_code", "mdtrt_id", "leave_from"),
            moment="leave_from",
            columns=(
                at,
                visit,
                Column(name="leave_from", kind=TIME, required=True, meaning="from", also=("from",)),
                Column(name="leave_to", kind=TIME, meaning="to; empty: not back yet", also=("to",), absent=FOREVER),
                Column(
                    name="reason",
                    kind=OneOf(("leave", "examination", "transfer")),
                    required=True,
                    meaning="by leave, for an examination elsewhere (外检), transferred (转院)",
                ),
            ),
            checks=(checks.order("leave_from", "leave_to"),),
        ),
        _rounds(at),
    )


def _rounds(at: Column) -> Spec:
    return Spec(
        name="rounds",
        meaning="face rounds at beds and in treatment rooms",
        key=("fixmedins_code", "psn_no", "place", "at"),
        moment="at",
        columns=(
            at,
            Column(name="mdtrt_id", kind=IDENTIFIER, meaning="stay; empty for a treatment without one"),
            _person,
            Column(name="place", kind=OneOf(("bed", "treatment")), required=True, meaning="where"),
            Column(name="at", kind=TIME, required=True, meaning="when"),
            Column(
                name="outcome",
                kind=OneOf(("same", "different", "undecided", "absent", "blind")),
                required=True,
                meaning="absent: nobody there; blind: nobody could look",
            ),
        ),
    )
