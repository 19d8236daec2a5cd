"""An auditor's walk over what was kept: all of it stands across changes of keys, and whatever was changed is named by its number."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, delete, select, update
from typer.testing import CliRunner

from central import __main__ as program
from central.captures import service as captures
from central.captures.tables import events
from central.captures.verifying import KeptReport
from central.devices import service as devices
from central.devices.tables import device_keys
from central.errors import NotFound
from contract.sealed import digest
from tests import builders
from tests.central.devices.rotation import NewKeys
from tests.central.devices.test_rotation import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Three keys, the last of them in use."""
    made = Desk(tmp_path)
    for _ in range(2):
        keys = NewKeys()
        made.offer(keys)
        made.take(made.change_over(keys), made.terminal.event())
    return made


def kept(desk: Desk) -> KeptReport:
    with desk.centre.engine.begin() as db:
        return captures.kept(db, builders.DEVICE)


def change(desk: Desk, do: Callable[[Connection], object]) -> list[tuple[int, str]]:
    with desk.centre.engine.begin() as db:
        do(db)
    return [(fault.seq, fault.why) for fault in kept(desk).faults]


def signed(desk: Desk, seq: int) -> bytes:
    with desk.centre.engine.begin() as db:
        found: bytes = db.scalar(select(events.c.signed).where(events.c.seq == seq))  # type: ignore[assignment]
    return found


def spoilt(one: bytes) -> bytes:
    """Another signature."""
    return one[:-8] + (b"B" if one[-8:-7] == b"A" else b"A") + one[-7:]


def test_old_evidence_stands_under_the_key_of_its_number(desk: Desk) -> None:
    report = kept(desk)
    assert (report.events, report.keys, report.erased, report.faults) == (8, 3, 0, ())
    with desk.centre.engine.begin() as db:
        devices.revoke_device(db, builders.DEVICE, now=desk.at + timedelta(seconds=1), actor="test")
    assert kept(desk).faults == (), "what came before it was revoked stays good"


def test_a_changed_byte_is_named(desk: Desk) -> None:
    forged = spoilt(signed(desk, 2))
    (fault,) = change(desk, lambda db: db.execute(update(events).where(events.c.seq == 2).values(signed=forged)))
    assert fault[0] == 2 and "hash" in fault[1]


def test_a_changed_byte_with_a_hash_that_fits_is_named(desk: Desk) -> None:
    forged = spoilt(signed(desk, 2))
    found = change(desk, lambda db: db.execute(update(events).where(events.c.seq == 2).values(signed=forged, sha256=digest(forged))))
    assert [seq for seq, _ in found] == [2, 3] and "not signed" in found[0][1] and "does not point" in found[1][1]


def test_an_event_that_went_is_missed(desk: Desk) -> None:
    (fault,) = change(desk, lambda db: db.execute(delete(events).where(events.c.seq == 5)))
    assert fault[0] == 6 and "missing 1 numbers: 5" in fault[1]


def test_a_row_that_says_another_number_is_named(desk: Desk) -> None:
    found = change(desk, lambda db: db.execute(update(events).where(events.c.seq == 8).values(seq=9)))
    assert {seq for seq, _ in found} == {9} and any("another number" in why for _, why in found)


def test_a_key_that_was_replaced_is_not_good_above_its_last_number(desk: Desk) -> None:
    found = change(desk, lambda db: db.execute(update(device_keys).where(device_keys.c.kid == desk.first.kid).values(last_seq=1)))
    assert [seq for seq, _ in found] == [2, 3] and "was replaced" in found[0][1]


def test_a_key_is_not_good_before_it_was_offered(desk: Desk) -> None:
    newest = desk.terminal.signer.kid
    found = change(desk, lambda db: db.execute(update(device_keys).where(device_keys.c.kid == newest).values(offered_seq=7)))
    assert [seq for seq, _ in found] == [7] and "offered only" in found[0][1]


def test_what_came_after_a_revocation_does_not_stand(desk: Desk) -> None:
    when = desk.at - timedelta(seconds=1)
    found = change(desk, lambda db: db.execute(update(device_keys).where(device_keys.c.kid == desk.first.kid).values(revoked_at=when)))
    assert [seq for seq, _ in found] == [1, 2, 3] and "revoked" in found[0][1]


def test_an_erased_event_is_counted_and_breaks_nothing(desk: Desk) -> None:
    assert change(desk, lambda db: db.execute(update(events).where(events.c.seq == 2).values(signed=b""))) == []
    assert kept(desk).erased == 1


def test_a_device_that_never_was_has_nothing(desk: Desk) -> None:
    with desk.centre.engine.begin() as db, pytest.raises(NotFound):
        captures.kept(db, "nobody")


def test_the_command_names_what_does_not_stand(desk: Desk, tmp_path: Path) -> None:
    settings = tmp_path / "central.toml"
    settings.write_text(f'data_dir = "{tmp_path}"\n', encoding="utf-8")
    good = CliRunner().invoke(program.app, ["device", "verify", "--settings", str(settings)])
    assert good.exit_code == 0 and "8 events under 3 keys, 0 erased, 0 faults" in good.output
    change(desk, lambda db: db.execute(delete(events).where(events.c.seq == 5)))
    bad = CliRunner().invoke(program.app, ["device", "verify", builders.DEVICE, "--settings", str(settings)])
    assert bad.exit_code == 1 and f"{builders.DEVICE} {builders.EPOCH}:6: before it are missing" in bad.output
    shown = CliRunner().invoke(program.app, ["device", "keys", builders.DEVICE, "--settings", str(settings)])
    assert shown.exit_code == 0 and shown.output.count("replaced") == 2 and desk.first.kid in shown.output
