"""The overview shows every site, and what a device named and the centre does not hold."""

from pathlib import Path

import pytest

from central.overview import service as overview
from central.sites import service as sites
from central.sites.model import NewSite
from central.wiring import Centre
from contract.events import EvidenceMode
from contract.topics import Up
from tests import builders
from tests.central.building import Terminal, make_centre, make_intake, take


@pytest.fixture
def centre(tmp_path: Path) -> Centre:
    return make_centre(tmp_path)


@pytest.fixture
def terminal(centre: Centre) -> Terminal:
    return Terminal(centre).register()


def missing(centre: Centre) -> dict[str, int]:
    with centre.engine.begin() as db:
        return dict(overview.read(db, now=builders.AT).missing)


def test_nothing_is_missing_from_a_device_that_said_nothing_or_sent_all(centre: Centre, terminal: Terminal) -> None:
    assert missing(centre) == {}
    take(centre, make_intake(centre), terminal.event(), terminal.send(Up.STATE, builders.birth(last_seq=1)))
    assert missing(centre) == {}


def test_a_report_names_the_last_number(centre: Centre, terminal: Terminal) -> None:
    take(
        centre,
        make_intake(centre),
        terminal.send(Up.STATE, builders.birth(last_seq=0)),
        terminal.send(Up.STATE, builders.health(last_seq=3)),
    )
    assert missing(centre) == {builders.DEVICE: 3}


def test_a_later_event_shows_the_gap_before_any_report(centre: Centre, terminal: Terminal) -> None:
    first, second, third = (terminal.event(msgid=f"M{number}") for number in range(3))
    take(centre, make_intake(centre), first, third)
    assert missing(centre) == {builders.DEVICE: 2}, "from the gap on the chain is not held"
    take(centre, make_intake(centre), second)
    assert missing(centre) == {}


def test_a_new_epoch_begins_anew(centre: Centre, terminal: Terminal) -> None:
    take(centre, make_intake(centre), terminal.event(), terminal.send(Up.STATE, builders.birth(last_seq=1)))
    take(centre, make_intake(centre), terminal.send(Up.STATE, builders.birth(epoch=builders.EPOCH + 1, last_seq=2)))
    assert missing(centre) == {builders.DEVICE: 2}


def test_a_site_without_devices_is_shown(centre: Centre) -> None:
    new = NewSite(
        fixmedins_code="H11010000001", fixmedins_name="示例医院", admdvs="110100", evidence_mode=EvidenceMode.VERDICT_ONLY, legal_basis=None
    )
    with centre.engine.begin() as db:
        sites.register_site(db, new, now=builders.AT, actor="test")
        shown = {row.fixmedins_code: row.devices for row in overview.read(db, now=builders.AT).sites}
    assert shown == {"H11010000001": (), builders.SITE: ()}
