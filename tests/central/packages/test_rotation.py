"""Packages of a device that really changed its keys: offered in its chain, taken in, certified, used; what each key signed still proves."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from central.captures.model import Incoming
from central.cases import service as cases
from central.devices import service as devices
from central.rules.base import Suspicion
from central.rules.engine import RuleResults
from contract.events import Outcome
from contract.sealed import to_text
from scripts.verify_evidence import BadItem, main, verify_package
from tests import builders
from tests.central.building import Terminal, make_intake, take
from tests.central.devices.rotation import NewKeys, in_use
from tests.central.packages.building import Members, certify, documents, edit, export, forge, make_finding
from tests.central.web.consoles import PSN_NO, make_console
from tests.postgres import private_postgres

Change = Callable[[Members, dict[str, str]], None]
MONTH = timedelta(days=30)


class Rotated:
    """One capture under the first key, one under each of two others, a month apart, and one finding that rests on all three."""

    def __init__(self, folder: Path, *, certified: bool, database_url: str = "") -> None:
        self.at: datetime = builders.AT
        self.centre = make_console(folder, now=lambda: self.at, database_url=database_url)
        self.terminal = Terminal(self.centre).register()
        self.intake = make_intake(self.centre)
        if certified:
            certify(self.centre, self.terminal.device_id)
        self.captures = [self.capture()]
        for _ in range(2):
            self.change_keys()
            self.captures.append(self.capture())

    def take(self, message: Incoming) -> None:
        taken = take(self.centre, self.intake, message)
        assert (taken.new_events, taken.refused) == (1, [])

    def capture(self) -> str:
        msgid = f"{builders.MSGID[:-4]}9{self.terminal.seq:03d}"
        self.take(self.terminal.event(msgid=msgid, psn_no=PSN_NO, outcome=Outcome.DIFFERENT, at=self.at))
        return f"{self.terminal.device_id}:{builders.EPOCH}:{self.terminal.seq}"

    def change_keys(self) -> None:
        """The offer is signed with the old key, and the first event under the new one says so."""
        self.at += MONTH
        keys = NewKeys(self.terminal.device_id)
        self.take(self.terminal.event(keys.offer, at=self.at))
        self.at += timedelta(hours=1)
        before, self.terminal.signer = self.terminal.signer.kid, keys.signer
        self.take(self.terminal.event(in_use, at=self.at, kid=keys.signer.kid, before=before))

    def finding(self) -> str:
        first = make_finding(self.centre, number=7)
        with self.centre.engine.begin() as db:
            row = cases.get(db, first)
            said: dict[str, Any] = {name: getattr(row, name) for name in Suspicion.__dataclass_fields__}
            said |= {"subject_key": "rotated", "vola_evid": dict(row.vola_evid) | {"capture_ids": self.captures}}
            cases.record(db, RuleResults(suspicions=(Suspicion(**said),), ran=frozenset(), faults=()), run_id=2, now=self.at)
            return next(each.jr_id for each in cases.list_findings(db).rows if each.subject_key == "rotated")


@pytest.mark.parametrize("certified", [True, False], ids=["certified", "registered before certificates were kept"])
def test_what_each_key_signed_proves_itself(tmp_path: Path, certified: bool) -> None:
    rotated, target = Rotated(tmp_path / "centre", certified=certified), tmp_path / "package.zip"
    export(rotated.centre, rotated.finding(), target)
    found = verify_package(str(target))
    assert (found["checked"]["events"], found["checked"]["certificates"]) == (3, 3 if certified else 2)
    used = [each["kid"] for each in documents(target, "events.json")]
    with rotated.centre.engine.begin() as db:
        assert used == [each.kid for each in devices.key_history(db, rotated.terminal.device_id)]
    assert len(set(used)) == 3


def test_what_a_passing_certificate_brought_late_holds_with_a_remark(tmp_path: Path) -> None:
    """The terminal was off-line when its certificate ended, and delivered under one that stands in no register."""
    rotated, target = Rotated(tmp_path / "centre", certified=True), tmp_path / "package.zip"
    rotated.at += timedelta(days=3000)
    rotated.captures.append(rotated.capture())
    export(rotated.centre, rotated.finding(), target)
    (remark,) = verify_package(str(target))["remarks"]
    assert "a passing one was given" in remark


def test_what_came_after_a_capture_is_proved_by_its_own_event(tmp_path: Path) -> None:
    """Settlement and clerk stand in other events than the capture; a package that names others than they do is refused."""
    rotated, target = Rotated(tmp_path / "centre", certified=True), tmp_path / "package.zip"
    msgid = f"{builders.MSGID[:-4]}9000"
    rotated.take(rotated.terminal.event(builders.binding, msgid=msgid, setl_id="S-77", at=rotated.at))
    rotated.take(rotated.terminal.event(builders.manual_check, msgid=msgid, opter="O-5", at=rotated.at))
    export(rotated.centre, rotated.finding(), target)
    first = documents(target, "captures.json")[0]
    assert (first["msgid"], first["setl_id"], first["opter"]) == (msgid, "S-77", "O-5")
    assert verify_package(str(target))["checked"]["events"] == 5
    for values in ({"setl_id": "S-78"}, {"opter": "O-6"}, {"setl_id": None}, {"opter": None, "manual_reason": None}):
        copy = forge(target, tmp_path / "forged.zip", set_in("captures.json", 0, **values), rotated.centre.keys.signer, rotated.at)
        with pytest.raises(BadItem, match=r"captures\.json: it contradicts"):
            verify_package(str(copy))


@pytest.fixture(scope="module")
def rotated(tmp_path_factory: pytest.TempPathFactory) -> Rotated:
    return Rotated(tmp_path_factory.mktemp("centre"), certified=True)


@pytest.fixture(scope="module")
def package(rotated: Rotated, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("package") / "package.zip"
    export(rotated.centre, rotated.finding(), target)
    return target


def set_in(name: str, number: int, **values: Any) -> Change:
    """Change one key, or one event, of a list."""

    def apply(members: Members, _what: dict[str, str]) -> None:
        edit(members, name, lambda content: (content["devices"] if name == "keys.json" else content)[number].update(values))

    return apply


FORGERIES: dict[str, tuple[Change, str]] = {
    "the second key handed over before its capture": (set_in("keys.json", 1, last_seq=3), "key_number"),
    "the third key came before it was offered": (set_in("events.json", 2, received_at=builders.AT.isoformat()), "key_time"),
    "the second capture is said to be of the first key": (set_in("events.json", 1, kid="another"), "malformed"),
    "the first key is another device's": (set_in("keys.json", 0, device="another"), "foreign_certificate"),
    "the third key was revoked before its capture": (set_in("keys.json", 2, revoked_at=builders.AT.isoformat()), "key_time"),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_no_key_proves_what_it_may_not_have_signed(rotated: Rotated, package: Path, forgery: str) -> None:
    change, code = FORGERIES[forgery]
    target = forge(package, package.with_name("forged.zip"), change, rotated.centre.keys.signer, rotated.at)
    with pytest.raises(BadItem) as caught:
        verify_package(str(target))
    assert caught.value.code == code


def test_it_holds_with_the_keys_of_centre_and_log_from_elsewhere(rotated: Rotated, package: Path) -> None:
    keys = rotated.centre.keys
    assert main([str(package), "--centre-key", to_text(keys.signer.public), "--log-key", keys.log_vkey]) == 0


def test_it_is_the_same_on_postgresql(tmp_path: Path) -> None:
    with private_postgres(tmp_path) as url:
        rotated = Rotated(tmp_path / "centre", certified=True, database_url=url)
        export(rotated.centre, rotated.finding(), tmp_path / "package.zip")
        assert verify_package(str(tmp_path / "package.zip"))["checked"]["events"] == 3
        rotated.centre.engine.dispose()
