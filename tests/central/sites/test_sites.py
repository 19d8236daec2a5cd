"""Sites and devices: legal basis before pictures, no shared keys, and a state that is never guessed."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from central.errors import BadInput, Conflict, NotFound
from central.sites import service as sites
from central.sites.model import SILENT_AFTER, NewDevice, NewSite
from central.wiring import Centre
from contract.events import EvidenceMode
from contract.sealed import raw_public
from tests import builders
from tests.central.building import Terminal, make_centre

NEW = NewSite(
    fixmedins_code="H11010000001", fixmedins_name="示例医院", admdvs="110100", evidence_mode=EvidenceMode.VERDICT_ONLY, legal_basis=None
)


@pytest.fixture
def centre(tmp_path: Path) -> Centre:
    return make_centre(tmp_path)


@pytest.mark.parametrize("mode", [EvidenceMode.ALL, EvidenceMode.FLAGGED_ONLY])
@pytest.mark.parametrize("basis", [None, "", "  "])
def test_pictures_leave_a_window_only_on_a_legal_basis(centre: Centre, mode: EvidenceMode, basis: str | None) -> None:
    with pytest.raises(BadInput, match="legal basis"), centre.engine.begin() as db:
        sites.register_site(db, replace(NEW, evidence_mode=mode, legal_basis=basis), now=builders.AT, actor="test")


def test_a_device_needs_a_site_a_name_and_a_key_of_its_own(centre: Centre) -> None:
    terminal = Terminal(centre).register()
    device = NewDevice(
        device_id="P99999900001-t2",
        fixmedins_code=builders.SITE,
        windows=("W1",),
        kid=terminal.signer.kid,
        sign_public=terminal.signer.public,
        seal_public=raw_public(terminal.seal_key.public_key()),
    )
    cases = (
        (device, Conflict, "never shared"),
        (replace(device, device_id=builders.DEVICE, kid="k2"), Conflict, "already registered"),
        (replace(device, fixmedins_code="P00000000000", kid="k3"), NotFound, "register it first"),
        (replace(device, device_id="central", kid="k4"), BadInput, "centre's own"),
        (replace(device, device_id="Central-2", kid="k5"), BadInput, "centre's own"),
    )
    for wrong, error, says in cases:
        with pytest.raises(error, match=says), centre.engine.begin() as db:
            sites.register_device(db, wrong, now=builders.AT, actor="test")


def test_a_silent_device_is_off_line_without_any_will(centre: Centre) -> None:
    Terminal(centre).register()
    with centre.engine.begin() as db:
        sites.note_state(db, builders.birth(), now=builders.AT)
        for after, online in ((SILENT_AFTER, True), (SILENT_AFTER + timedelta(seconds=1), False)):
            assert sites.overview(db, builders.AT + after)[0].devices[0].online is online


def test_liveness_is_unknown_before_the_first_birth(centre: Centre) -> None:
    Terminal(centre).register()
    with centre.engine.begin() as db:
        assert sites.overview(db, builders.AT)[0].devices[0].liveness_available is None
        sites.note_state(db, builders.birth(), now=builders.AT)
        assert sites.overview(db, builders.AT)[0].devices[0].liveness_available is False


def test_a_site_without_devices_is_shown(centre: Centre) -> None:
    with centre.engine.begin() as db:
        sites.register_site(db, NEW, now=builders.AT, actor="test")
        shown = {row.fixmedins_code: row.devices for row in sites.overview(db, builders.AT)}
    assert shown == {"H11010000001": (), builders.SITE: ()}


def test_a_report_alone_shows_that_a_device_lives(centre: Centre) -> None:
    Terminal(centre).register()
    with centre.engine.begin() as db:
        sites.note_state(db, builders.health(connection=3, backlog=7), now=builders.AT)
        (device,) = sites.overview(db, builders.AT)[0].devices
        assert (device.online, device.backlog, device.liveness_available) == (True, 7, None)
        sites.note_state(db, builders.birth(connection=3), now=builders.AT)
        (device,) = sites.overview(db, builders.AT)[0].devices
        assert (device.backlog, device.liveness_available) == (7, False)


def test_a_new_epoch_counts_its_connections_from_one_again(centre: Centre) -> None:
    Terminal(centre).register()
    with centre.engine.begin() as db:
        sites.note_state(db, builders.health(connection=9), now=builders.AT)
        sites.note_state(db, builders.birth(epoch=builders.EPOCH + 1, connection=1, gallery_version=4), now=builders.AT)
        sites.note_state(db, builders.death(connection=9), now=builders.AT)
        (device,) = sites.overview(db, builders.AT)[0].devices
    assert (device.online, device.gallery_version) == (True, 4)


def test_an_epoch_of_a_clock_set_back_is_believed_from_its_birth_on(centre: Centre) -> None:
    Terminal(centre).register()
    earlier = builders.EPOCH - 1000
    with centre.engine.begin() as db:
        sites.note_state(db, builders.birth(connection=5), now=builders.AT)
        sites.note_state(db, builders.health(epoch=earlier, connection=1, gallery_version=7), now=builders.AT)
        assert sites.overview(db, builders.AT)[0].devices[0].gallery_version == 0
        sites.note_state(db, builders.birth(epoch=earlier, connection=1, gallery_version=7), now=builders.AT)
        assert sites.overview(db, builders.AT)[0].devices[0].gallery_version == 7


def test_a_revoked_device_is_trusted_no_more(centre: Centre) -> None:
    terminal = Terminal(centre).register()
    with centre.engine.begin() as db:
        sites.revoke_device(db, terminal.device_id, now=builders.AT, actor="test")
    with centre.engine.begin() as db:
        assert sites.key(db, terminal.signer.kid) is None
        assert sites.device_ids(db) == []
        assert sites.overview(db, builders.AT)[0].devices == ()
        with pytest.raises(Conflict, match="revoked already"):
            sites.revoke_device(db, terminal.device_id, now=builders.AT, actor="test")
        with pytest.raises(NotFound):
            sites.revoke_device(db, "nobody", now=builders.AT, actor="test")
