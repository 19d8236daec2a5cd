"""Sites: a legal basis before pictures, hours that can be read, approvals that held on the day."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.audit import service as audit
from central.errors import BadInput, NotFound
from central.sites import hours
from central.sites import service as sites
from central.sites.model import ApprovalKind, NewApproval, NewSite
from central.wiring import Centre
from contract.events import EvidenceMode
from tests import builders
from tests.central.building import make_centre

NEW = NewSite(
    fixmedins_code="H11010000001",
    fixmedins_name="示例医院",
    admdvs="110100",
    evidence_mode=EvidenceMode.VERDICT_ONLY,
    legal_basis=None,
    opening_hours="Mon-Fri 08:00-12:00 13:30-17:30; sat 08:00-12:00",
    notice_version="2026-1",
)
LEGAL = NewApproval(
    kind=ApprovalKind.LEGAL,
    reference="法审〔2026〕1号",
    approved_by="法规处 王",
    approved_on=date(2026, 1, 1),
    valid_until=date(2026, 6, 30),
)
TECHNICAL = replace(LEGAL, kind=ApprovalKind.TECHNICAL, reference="技审〔2026〕7号", valid_until=None)


@pytest.fixture
def centre(tmp_path: Path) -> Centre:
    return make_centre(tmp_path)


def registered(centre: Centre, *approvals: NewApproval) -> Centre:
    with centre.engine.begin() as db:
        sites.register_site(db, NEW, now=builders.AT, actor="test")
        for number, each in enumerate(approvals):
            signed = datetime(each.approved_on.year, each.approved_on.month, each.approved_on.day, tzinfo=UTC)
            now = max(builders.AT, signed) + timedelta(seconds=number)
            sites.approve(db, NEW.fixmedins_code, each, now=now, actor="test")
    return centre


@pytest.mark.parametrize("mode", [EvidenceMode.ALL, EvidenceMode.FLAGGED_ONLY])
@pytest.mark.parametrize("basis", [None, "", "  "])
def test_pictures_leave_a_window_only_on_a_legal_basis(centre: Centre, mode: EvidenceMode, basis: str | None) -> None:
    with pytest.raises(BadInput, match="legal basis"), centre.engine.begin() as db:
        sites.register_site(db, replace(NEW, evidence_mode=mode, legal_basis=basis), now=builders.AT, actor="test")


@pytest.mark.parametrize("basis", ["agreement\0", "x" * 501, " "])
def test_a_legal_basis_is_one_line_that_every_database_takes(centre: Centre, basis: str) -> None:
    with pytest.raises(BadInput, match="legal basis"), centre.engine.begin() as db:
        sites.register_site(db, replace(NEW, legal_basis=basis), now=builders.AT, actor="test")


def test_a_site_keeps_its_hours_in_one_form(centre: Centre) -> None:
    registered(centre)
    with centre.engine.begin() as db:
        found = sites.site(db, NEW.fixmedins_code)
    assert (found.opening_hours, found.notice_version) == ("mon-fri 08:00-12:00 13:30-17:30; sat 08:00-12:00", "2026-1")


@pytest.mark.parametrize(
    "text",
    ["mon", "mon 8:00-12:00", "mon 12:00-08:00", "fri-mon 08:00-12:00", "mon 08:00-12:00 11:00-13:00", "mon 08:00-24:30", "x 08:00-09:00"],
)
def test_hours_that_cannot_be_are_named(text: str) -> None:
    with pytest.raises(BadInput, match="opening hours"):
        hours.canonical(text)
    with pytest.raises(BadInput, match="twice"):
        hours.canonical("mon-wed 08:00-12:00; tue 08:00-12:00")


@given(st.dictionaries(st.sampled_from(hours.DAYS), st.sampled_from([((480, 720),), ((480, 720), (810, 1440)), ((0, 1440),)])))
def test_hours_are_read_back(week: dict[str, tuple[hours.Span, ...]]) -> None:
    def clock(minute: int) -> str:
        return f"{minute // 60:02d}:{minute % 60:02d}"

    text = "; ".join(f"{day} {' '.join(f'{clock(a)}-{clock(b)}' for a, b in spans)}" for day, spans in week.items())
    assert hours.read(hours.canonical(text)) == week
    assert hours.canonical(hours.canonical(text)) == hours.canonical(text)


@pytest.mark.parametrize("name", ["", " ", "药房\n二", "x" * 201, "a\u202eb"])
def test_a_name_is_one_line_that_can_be_shown(centre: Centre, name: str) -> None:
    with pytest.raises(BadInput, match="name"), centre.engine.begin() as db:
        sites.register_site(db, replace(NEW, fixmedins_name=name), now=builders.AT, actor="test")


def test_a_location_is_reviewed_while_both_reviews_stand(centre: Centre) -> None:
    registered(centre, LEGAL, TECHNICAL)
    with centre.engine.begin() as db:
        last = datetime(2026, 6, 30, 15, 59, tzinfo=UTC)  # 23:59 in China
        stood = sites.standing(db, NEW.fixmedins_code, last)
        assert stood.reviewed and stood.missing == (ApprovalKind.SIGN, ApprovalKind.PUBLICATION)
        assert stood.legal is not None and (stood.legal.reference, stood.legal.recorded_by) == (LEGAL.reference, "test")
        for at in (last + timedelta(minutes=1), datetime(2025, 12, 31, 12, tzinfo=UTC)):
            assert not sites.standing(db, NEW.fixmedins_code, at).reviewed
        assert not sites.standing(db, "H99999999999", last).reviewed


def test_a_later_record_renews_or_ends_an_approval_and_the_earlier_one_stays(centre: Centre) -> None:
    renewed = replace(LEGAL, reference="法审〔2026〕9号", approved_on=date(2026, 5, 1), valid_until=date(2027, 4, 30))
    ended = replace(renewed, valid_until=date(2026, 9, 30))
    registered(centre, LEGAL, TECHNICAL, renewed, ended)
    with centre.engine.begin() as db:
        for day, reference in ((date(2026, 4, 30), LEGAL.reference), (date(2026, 5, 1), renewed.reference), (date(2026, 10, 1), None)):
            found = sites.standing(db, NEW.fixmedins_code, datetime(day.year, day.month, day.day, 4, tzinfo=UTC)).legal
            assert (found and found.reference) == reference
        assert len(sites.approvals(db, NEW.fixmedins_code)) == 4


def test_of_many_sites_the_same_is_said_as_of_each(centre: Centre) -> None:
    registered(centre, LEGAL, TECHNICAL)
    with centre.engine.begin() as db:
        sites.register_site(db, replace(NEW, fixmedins_code="P11010000009"), now=builders.AT, actor="test")
        codes = [NEW.fixmedins_code, "P11010000009", "H99999999999"]
        found = sites.standings(db, codes, builders.AT)
        assert found == {code: sites.standing(db, code, builders.AT) for code in codes}
        assert len({len(stood.missing) for stood in found.values()}) == 2
        assert list(sites.standings(db, codes[:1], builders.AT)) == codes[:1]


def test_recording_the_same_again_changes_nothing_and_what_is_recorded_is_audited(centre: Centre) -> None:
    registered(centre, LEGAL, LEGAL)
    with centre.engine.begin() as db:
        assert len(sites.approvals(db, NEW.fixmedins_code)) == 1
        (entry,) = audit.entries(db, action="site.approve").rows
    assert entry.detail["reference"] == LEGAL.reference and entry.detail["valid_until"] == "2026-06-30"


@pytest.mark.parametrize(
    "wrong",
    [
        replace(LEGAL, approved_on=date(2026, 2, 1), valid_until=None),
        replace(LEGAL, valid_until=date(2025, 12, 31)),
        replace(LEGAL, reference=" "),
        replace(LEGAL, approved_by="x" * 81),
    ],
)
def test_an_approval_that_cannot_be_is_refused(centre: Centre, wrong: NewApproval) -> None:
    registered(centre)
    with pytest.raises(BadInput), centre.engine.begin() as db:
        sites.approve(db, NEW.fixmedins_code, wrong, now=builders.AT, actor="test")
    with pytest.raises(NotFound), centre.engine.begin() as db:
        sites.approve(db, "H99999999999", LEGAL, now=builders.AT, actor="test")
