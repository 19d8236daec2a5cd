"""Devices: no shared keys, and a state that is never guessed."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from central.devices import service as devices
from central.devices.model import SILENT_AFTER, NewDevice
from central.errors import BadInput, Conflict, NotFound
from central.wiring import Centre
from contract.sealed import raw_public
from tests import builders
from tests.central.building import Terminal, make_centre


@pytest.fixture
def centre(tmp_path: Path) -> Centre:
    return make_centre(tmp_path)


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
            devices.register_device(db, wrong, now=builders.AT, actor="test")


def test_a_silent_device_is_off_line_without_any_will(centre: Centre) -> None:
    Terminal(centre).register()
    with centre.engine.begin() as db:
        devices.note_state(db, builders.birth(), now=builders.AT)
        for after, online in ((SILENT_AFTER, True), (SILENT_AFTER + timedelta(seconds=1), False)):
            assert devices.by_site(db, builders.AT + after)[builders.SITE][0].online is online


def test_liveness_is_unknown_before_the_first_birth(centre: Centre) -> None:
    Terminal(centre).register()
    with centre.engine.begin() as db:
        assert devices.by_site(db, builders.AT)[builders.SITE][0].liveness_available is None
        devices.note_state(db, builders.birth(), now=builders.AT)
        assert devices.by_site(db, builders.AT)[builders.SITE][0].liveness_available is False


def test_a_report_alone_shows_that_a_device_lives(centre: Centre) -> None:
    Terminal(centre).register()
    with centre.engine.begin() as db:
        devices.note_state(db, builders.health(connection=3, backlog=7), now=builders.AT)
        (device,) = devices.by_site(db, builders.AT)[builders.SITE]
        assert (device.online, device.backlog, device.liveness_available) == (True, 7, None)
        devices.note_state(db, builders.birth(connection=3), now=builders.AT)
        (device,) = devices.by_site(db, builders.AT)[builders.SITE]
        assert (device.backlog, device.liveness_available) == (7, False)


def test_a_new_epoch_counts_its_connections_from_one_again(centre: Centre) -> None:
    Terminal(centre).register()
    with centre.engine.begin() as db:
        devices.note_state(db, builders.health(connection=9), now=builders.AT)
        devices.note_state(db, builders.birth(epoch=builders.EPOCH + 1, connection=1, gallery_version=4), now=builders.AT)
        devices.note_state(db, builders.death(connection=9), now=builders.AT)
        (device,) = devices.by_site(db, builders.AT)[builders.SITE]
    assert (device.online, device.gallery_version) == (True, 4)


def test_an_epoch_of_a_clock_set_back_is_believed_from_its_birth_on(centre: Centre) -> None:
    Terminal(centre).register()
    earlier = builders.EPOCH - 1000
    with centre.engine.begin() as db:
        devices.note_state(db, builders.birth(connection=5), now=builders.AT)
        devices.note_state(db, builders.health(epoch=earlier, connection=1, gallery_version=7), now=builders.AT)
        assert devices.by_site(db, builders.AT)[builders.SITE][0].gallery_version == 0
        devices.note_state(db, builders.birth(epoch=earlier, connection=1, gallery_version=7), now=builders.AT)
        assert devices.by_site(db, builders.AT)[builders.SITE][0].gallery_version == 7


def test_a_revoked_device_is_trusted_no_more(centre: Centre) -> None:
    terminal = Terminal(centre).register()
    with centre.engine.begin() as db:
        devices.revoke_device(db, terminal.device_id, now=builders.AT, actor="test")
    with centre.engine.begin() as db:
        assert devices.key(db, terminal.signer.kid) is None
        assert devices.device_ids(db) == []
        assert devices.by_site(db, builders.AT) == {}
        with pytest.raises(Conflict, match="revoked already"):
            devices.revoke_device(db, terminal.device_id, now=builders.AT, actor="test")
        with pytest.raises(NotFound):
            devices.revoke_device(db, "nobody", now=builders.AT, actor="test")
