"""The verifier that an auditor takes along: what it refuses, by which name, and that it needs nothing of ours."""

import ast
import json
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from central.certificates import issue_client, make_authority, new_key
from central.packages.writer import MANIFEST, SIGNATURE
from central.wiring import Centre
from contract.sealed import Signer, raw_public, to_text
from scripts import verify_evidence
from scripts.package_mutations import change, names, refusal, regions
from scripts.verify_evidence import BadItem, verify_package
from tests import builders
from tests.central.packages.building import Members, certify, edit, export, exporter, forge, members_of, reviewed_finding
from tests.central.web.consoles import make_console, make_finding

SCRIPT = Path(verify_evidence.__file__)
DEVICE = f"{builders.DEVICE}1"
CAPTURE = f"events/{DEVICE}-{builders.EPOCH}-1.jws"
FOOTAGE = f"events/{DEVICE}-{builders.EPOCH}-2.jws"
Change = Callable[[Members, dict[str, str]], None]


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Centre:
    return make_console(tmp_path_factory.mktemp("centre"))


@pytest.fixture(scope="module")
def package(centre: Centre, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("package") / "package.zip"
    export(centre, reviewed_finding(centre), target)
    return target


@pytest.fixture(scope="module")
def other(centre: Centre, package: Path) -> Path:
    """A package of another finding of the same centre."""
    target = package.with_name("other.zip")
    export(centre, make_finding(centre, number=2), target)
    return target


def refused(path: Path) -> tuple[str, str]:
    with pytest.raises(BadItem) as caught:
        verify_package(str(path))
    return caught.value.item, caught.value.code


def rewritten(package: Path, members: Members, **options: Any) -> Path:
    """A zip of these members in the writer's form, the manifest as it was."""
    target = package.with_name("rewritten.zip")
    with ZipFile(target, "w") as archive:
        for name, data in members.items():
            archive.writestr(info(name, **options), data)
    return target


def info(name: str, **changes: Any) -> ZipInfo:
    made = ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    made.create_system, made.external_attr = 3, 0o644 << 16
    for attribute, value in changes.items():
        setattr(made, attribute, value)
    return made


def run(*arguments: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-I", str(SCRIPT), *map(str, arguments)], capture_output=True, text=True, check=False, cwd="/", timeout=60
    )


def test_it_needs_python_and_cryptography_only() -> None:
    tree = ast.parse(SCRIPT.read_text(encoding="utf-8"), feature_version=(3, 9))
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    modules |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    foreign = {module.partition(".")[0] for module in modules if module} - set(sys.stdlib_module_names)
    assert foreign == {"cryptography"}


def test_it_says_in_both_languages_what_holds_and_what_was_not_pinned(package: Path, centre: Centre) -> None:
    done = run(package)
    assert done.returncode == 0, done.stdout
    assert "通过 / HOLDS" in done.stdout
    assert "未提供外部密钥" in done.stdout
    pinned = run(package, "--centre-key", to_text(centre.keys.signer.public), "--log-key", centre.keys.log_vkey, "--json")
    found = json.loads(pinned.stdout)
    assert found["holds"] is True
    assert found["marking"]["reviewed"] is True
    assert {name: found["checked"][name] for name in ("certificates", "events", "openings")} == {
        "certificates": 1,
        "events": 2,
        "openings": 3,
    }
    assert found["checked"]["proofs"] == 3 + found["checked"]["custody"]
    assert found["checked"]["members"] == len(members_of(package))


def test_an_unreviewed_package_holds_and_says_so(other: Path) -> None:
    done = run(other)
    assert done.returncode == 0
    assert "未经法制和技术审核，不得作为行政处罚的证据" in done.stdout


def test_another_centre_or_log_than_the_pinned_one_is_refused(package: Path, centre: Centre) -> None:
    stranger = to_text(Signer(Ed25519PrivateKey.generate()).public)
    assert json.loads(run(package, "--centre-key", stranger, "--json").stdout)["code"] == "unknown_key"
    assert json.loads(run(package, "--log-key", stranger, "--json").stdout)["item"] == "keys.json"
    assert json.loads(run(package, "--witness-key", f"w={stranger}", "--json").stdout)["item"] == "keys.json witness w"
    assert run(package, "--centre-key", centre.keys.signer.kid).returncode == 0


@pytest.mark.parametrize("arguments", [["--log-key", "x"], ["--witness-key", "w"], ["--nonsense"]])
def test_wrong_usage_is_told_apart(package: Path, arguments: list[str]) -> None:
    assert run(package, *arguments).returncode == 2


@pytest.mark.parametrize("content", [b"", b"PK", b"no zip", b"\x00" * 5000])
def test_what_is_no_zip_is_told_apart(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(content)
    done = run(path, "--json")
    assert done.returncode in (1, 2)
    assert json.loads(done.stdout)["holds"] is False
    assert run(tmp_path / "nowhere.zip").returncode == 2


def test_one_changed_byte_in_any_member_is_refused_by_its_name(package: Path) -> None:
    """Every member, at its first, middle and last byte, and at twelve others."""
    data, copy = package.read_bytes(), package.with_name("changed.zip")
    rng = Random(1)
    tried = set()
    for region in regions(package):
        places = {
            region.start,
            (region.start + region.end) // 2,
            region.end - 1,
            *(rng.randrange(region.start, region.end) for _ in range(12)),
        }
        for place in places:
            changed = bytearray(data)
            changed[place] ^= rng.randrange(1, 256)
            copy.write_bytes(bytes(changed))
            bad = refusal(copy)
            assert bad is not None, f"byte {place} of {region.member}"
            assert names(bad, region.member), f"byte {place} of {region.member}: {bad}"
            tried.add(region.member)
    assert tried == {*members_of(package), "(zip)"}


def test_the_same_seed_makes_the_same_changes(package: Path) -> None:
    data, places = package.read_bytes(), regions(package)
    assert change(data, places, Random(3)) == change(data, places, Random(3))


@pytest.mark.parametrize("cut", [1, 22, 23, 400, 100_000])
def test_a_cut_or_lengthened_file_is_refused(package: Path, cut: int) -> None:
    copy = package.with_name("cut.zip")
    copy.write_bytes(package.read_bytes()[:-cut])
    assert refused(copy)[1] == "container"
    copy.write_bytes(package.read_bytes() + b"x" * cut)
    assert refused(copy)[1] == "container"
    copy.write_bytes(b"x" * cut + package.read_bytes())
    assert refused(copy)[1] in ("container", "not_a_zip")


def test_each_member_that_is_missing_is_named(package: Path) -> None:
    for name in members_of(package):
        members = members_of(package)
        del members[name]
        assert refused(rewritten(package, members)) == (name, "missing"), name


def test_added_renamed_swapped_and_moved_members_are_named(package: Path) -> None:
    members = members_of(package)
    assert refused(rewritten(package, members | {"extra.txt": b"x"})) == ("extra.txt", "added")
    assert refused(rewritten(package, {("rules.json" if n == "rule.json" else n): d for n, d in members.items()})) == (
        "rules.json",
        "added",
    )
    first, second = "finding.json", "claims.json"
    swapped = members | {first: members[second], second: members[first]}
    assert refused(rewritten(package, swapped)) == (first, "changed")
    moved = {name: members[name] for name in sorted(members)}
    assert refused(rewritten(package, moved))[1] == "moved"


def test_the_manifest_of_another_package_is_refused(package: Path, other: Path) -> None:
    mine, foreign = members_of(package), members_of(other)
    both = mine | {MANIFEST: foreign[MANIFEST], SIGNATURE: foreign[SIGNATURE]}
    assert refused(rewritten(package, both))[1] in ("added", "missing")
    assert refused(rewritten(package, mine | {MANIFEST: foreign[MANIFEST]})) == (MANIFEST, "changed")
    assert refused(rewritten(package, mine | {SIGNATURE: foreign[SIGNATURE]})) == (MANIFEST, "changed")


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("../up.txt", "unsafe_name"),
        ("/etc/x", "unsafe_name"),
        ("a//b", "unsafe_name"),
        ("a\\b", "unsafe_name"),
        ("FINDING.json", "doubled"),
    ],
)
def test_names_that_play_tricks_are_refused(package: Path, name: str, code: str) -> None:
    assert refused(rewritten(package, members_of(package) | {name: b"x"}))[1] == code


@pytest.mark.parametrize(
    "options", [{"compress_type": ZIP_DEFLATED}, {"comment": b"x"}, {"extra": b"\x01\x00\x00\x00"}, {"date_time": (1999, 1, 1, 0, 0, 0)}]
)
def test_a_zip_in_another_form_is_refused(package: Path, options: dict[str, Any]) -> None:
    """Compressed members could swell without end; a comment or an extra field would be bytes that nobody signed."""
    assert refused(rewritten(package, members_of(package), **options))[1] == "container"


def test_a_doubled_name_is_refused(package: Path) -> None:
    members = members_of(package)
    target = package.with_name("doubled.zip")
    with pytest.warns(UserWarning, match="Duplicate"), ZipFile(target, "w") as archive:
        for name in [*members, "finding.json"]:
            archive.writestr(info(name), members[name])
    assert refused(target) == ("finding.json", "doubled")


def opening_of(members: Members, role: str) -> str:
    return next(n for n, d in members.items() if n.startswith("media/") and n.endswith(".json") and json.loads(d)["role"] == role)


def set_in(name: str, *path: Any, value: Any) -> Change:
    """Set one place of a JSON member."""

    def apply(members: Members, what: dict[str, str]) -> None:
        def put(content: Any) -> None:
            for step in path[:-1]:
                content = content[step]
            content[path[-1]] = value

        edit(members, name, put)

    return apply


def erased_and_replaced(members: Members, what: dict[str, str]) -> None:
    edit(members, "events.json", lambda events: events[0].update(member=None, sha256="1" * 64))
    del members[CAPTURE]


def another_event(members: Members, what: dict[str, str]) -> None:
    members[CAPTURE], members[FOOTAGE] = members[FOOTAGE], members[CAPTURE]


def unlisted_event(members: Members, what: dict[str, str]) -> None:
    members[f"events/{DEVICE}-1-1.jws"] = members[CAPTURE]
    what[f"events/{DEVICE}-1-1.jws"] = "event"


def other_opened(members: Members, what: dict[str, str]) -> None:
    name = json.loads(members[opening_of(members, "best")])["opened"]
    members[name] = members[name][:-1] + b"!"


def other_secret(members: Members, what: dict[str, str]) -> None:
    edit(members, opening_of(members, "best"), lambda each: each.update(secret="00" * 32))


def other_sealed(members: Members, what: dict[str, str]) -> None:
    name = opening_of(members, "best").replace(".json", ".sealed")
    members[name] = members[name] + b"x"


def other_purpose(members: Members, what: dict[str, str]) -> None:
    edit(members, opening_of(members, "best"), lambda each: each.update(purpose="capture-picture/1 other"))


def of_the_centre(members: Members, what: dict[str, str]) -> None:
    edit(members, opening_of(members, "best"), lambda each: each.update(origin="centre"))


def of_a_device(members: Members, what: dict[str, str]) -> None:
    edit(members, opening_of(members, "enrolment"), lambda each: each.update(origin="device"))


def unannounced(members: Members, what: dict[str, str]) -> None:
    del members[opening_of(members, "best")]


def other_entry(members: Members, what: dict[str, str]) -> None:
    edit(members, "custody.json", lambda each: each["entries"][0].update(actor="nobody"))


def swapped_proofs(members: Members, what: dict[str, str]) -> None:
    first, second = (f"proofs/{name[:-4]}.json" for name in (CAPTURE, FOOTAGE))
    members[first], members[second] = members[second], members[first]
    for name, of in ((first, CAPTURE), (second, FOOTAGE)):
        edit(members, name, lambda each, of=of: each.update(of=of))  # type: ignore[misc]


def other_finding(members: Members, what: dict[str, str]) -> None:
    members["finding.stated.json"] = members["finding.stated.json"].replace(b"38", b"99")


def foreign_certificate(members: Members, what: dict[str, str]) -> None:
    name = next(each for each in members if each.startswith(f"certificates/{DEVICE}"))
    members[name] = issue_client(make_authority(now=builders.AT), new_key().public_key(), name=DEVICE, now=builders.AT)


def no_certificate(members: Members, what: dict[str, str]) -> None:
    members[next(each for each in members if each.startswith(f"certificates/{DEVICE}"))] = b"-----BEGIN CERTIFICATE-----\n"


def cut_checkpoint(members: Members, what: dict[str, str]) -> None:
    def shorten(proof: Any) -> None:
        proof["checkpoint"] = proof["checkpoint"].rpartition("— ")[0]

    edit(members, "proofs/finding.json", shorten)


def twice(members: Members, what: dict[str, str]) -> None:
    members["reviews.json"] = b'{"marking":{"reviewed":true,"missing":[]},"marking":{"reviewed":true,"missing":[]},"stamps":[]}'


def deep(members: Members, what: dict[str, str]) -> None:
    members["reviews.json"] = b"[" * 200_000


def invented_capture(members: Members, what: dict[str, str]) -> None:
    edit(members, "captures.json", lambda each: each.append(each[0] | {"capture_id": f"{DEVICE}:1:7", "outcome": "different"}))


def before_the_certificate(members: Members, what: dict[str, str]) -> None:
    set_in("keys.json", "devices", 0, "valid_from", value="2001-01-01T00:00:00+00:00")(members, what)
    set_in("events.json", 0, "received_at", value="2002-01-01T00:00:00+00:00")(members, what)


def picture_from_nowhere(members: Members, what: dict[str, str]) -> None:
    members["media/another.jpg"], what["media/another.jpg"] = b"\xff\xd8", "readme"


def stray_certificate(members: Members, what: dict[str, str]) -> None:
    members["certificates/x.pem"] = members["certificates/authority.pem"]
    what["certificates/x.pem"] = "certificate"


def decision_about_another(members: Members, what: dict[str, str]) -> None:
    """A stamp that was really given, and logged, but to the evidence of another finding."""
    custody = json.loads(members["custody.json"])
    last = max(n for n, each in enumerate(custody["entries"]) if each["action"] == "evidence.stamp")
    entry = custody["entries"][last] | {"object": "JR20260102-ID-01-0000000000000000"}
    signed = {name: entry[name] for name in ("action", "actor", "at", "detail", "object", "prev")}
    custody["entries"] = [*custody["entries"][:last], entry | {"sha256": sha256(verify_evidence.canonical(signed)).hexdigest()}]
    members["custody.json"] = json.dumps(custody).encode()
    for name in [each for each in members if each.startswith("proofs/audit/")]:
        del members[name]


def without_a_failed_stamp(members: Members, what: dict[str, str]) -> None:
    edit(members, "reviews.json", lambda each: each["stamps"].insert(0, dict(each["stamps"][0])))


def another_s_finding(members: Members, what: dict[str, str]) -> None:
    for name in ("finding.json", "finding.stated.json"):
        content = json.loads(members[name]) | {"jr_id": "JR20260102-ID-01-0000000000000000"}
        members[name] = verify_evidence.canonical(content)
    del members["proofs/finding.json"]
    for kind in (0, 1):
        set_in("reviews.json", "stamps", kind, "result", value="failed")(members, what)
    missing = ["failed_legal", "failed_technical"]
    set_in("reviews.json", "marking", value={"reviewed": False, "missing": missing})(members, what)
    set_in("manifest", "marking", value={"reviewed": False, "missing": missing})(members, what)


def another_role(members: Members, what: dict[str, str]) -> None:
    edit(members, opening_of(members, "best"), lambda each: each.update(role="scene"))


def another_capture_s(members: Members, what: dict[str, str]) -> None:
    edit(members, opening_of(members, "best"), lambda each: each.update(capture_id=f"{DEVICE}:1:7"))


def enrolment_as_seen(members: Members, what: dict[str, str]) -> None:
    edit(members, opening_of(members, "enrolment"), lambda each: each.update(role="best", capture_id=f"{DEVICE}:1:1"))


FORGERIES: dict[str, tuple[Change, str, str]] = {
    "an event under another's name": (another_event, CAPTURE, "changed"),
    "an event that is not listed": (unlisted_event, f"events/{DEVICE}-1-1.jws", "added"),
    "a broken chain": (set_in("events.json", 1, "prev", value="1" * 64), FOOTAGE, "malformed"),
    "a list of another chain": (set_in("events.json", 0, "sha256", value="1" * 64), CAPTURE, "changed"),
    "an erased event whose follower points elsewhere": (
        erased_and_replaced,
        FOOTAGE,
        "chain",
    ),
    "a key that had another number": (set_in("keys.json", "devices", 0, "last_epoch", value=builders.EPOCH - 1), CAPTURE, "key_number"),
    "a key that came later": (set_in("keys.json", "devices", 0, "valid_from", value="2030-01-01T00:00:00+00:00"), CAPTURE, "key_time"),
    "a key that was revoked": (set_in("keys.json", "devices", 0, "revoked_at", value="2020-01-01T00:00:00+00:00"), CAPTURE, "key_time"),
    "a key of another device": (
        set_in("keys.json", "devices", 0, "device", value="another"),
        f"certificates/{DEVICE}",
        "foreign_certificate",
    ),
    "another key under the same name": (
        set_in("keys.json", "devices", 0, "sign_public", value=to_text(bytes(range(32)))),
        f"keys.json {DEVICE}",
        "unknown_key",
    ),
    "another centre": (set_in("keys.json", "centre", "seal_public", value=to_text(bytes(32))), "keys.json", "unknown_key"),
    "a certificate of another authority": (foreign_certificate, f"certificates/{DEVICE}", "foreign_certificate"),
    "a certificate that is none": (no_certificate, f"certificates/{DEVICE}", "malformed"),
    "an event from after the certificate": (
        set_in("events.json", 0, "received_at", value="2031-01-01T00:00:00+00:00"),
        f"proofs/{CAPTURE[:-4]}.json",
        "contradicts",
    ),
    "an event from before the certificate": (before_the_certificate, CAPTURE, "certificate_time"),
    "another picture": (other_opened, "media/", "opening"),
    "another secret": (other_secret, "media/", "opening"),
    "other sealed bytes": (other_sealed, "media/", "wrong_media"),
    "another purpose": (other_purpose, "media/", "wrong_media"),
    "a picture of the centre's own": (of_the_centre, "media/", "not_announced"),
    "a picture that no event names": (of_a_device, "media/", "not_announced"),
    "a picture without its opening": (unannounced, "media/", "not_announced"),
    "another custody entry": (other_entry, "custody.json#0", "entry"),
    "reviewed without a legal review": (set_in("reviews.json", "stamps", 0, "kind", value="technical"), "reviews.json", "marking"),
    "reviewed by one person": (set_in("reviews.json", "stamps", 0, "account", value="chen.jie"), "reviews.json", "marking"),
    "reviewed with failure": (set_in("reviews.json", "stamps", 1, "result", value="failed"), "reviews.json", "marking"),
    "reviewed at a site that was not": (set_in("site.json", "standing_when_seen", 0, "legal", value=None), "reviews.json", "marking"),
    "another marking in the manifest": (set_in("manifest", "marking", "missing", value=["stamp_legal"]), "reviews.json", "marking"),
    "another finding than was logged": (other_finding, "proofs/finding.json", "proof"),
    "the proofs of two events swapped": (swapped_proofs, f"proofs/{CAPTURE[:-4]}.json", "proof"),
    "another place in the log": (set_in("proofs/finding.json", "index", value=0), "proofs/finding.json", "proof"),
    "a place outside of the log": (set_in("proofs/finding.json", "index", value=10**6), "proofs/finding.json", "malformed"),
    "another path": (set_in("proofs/finding.json", "path", value=[]), "proofs/finding.json", "malformed"),
    "another salt": (set_in("proofs/finding.json", "salt", value="00" * 32), "proofs/finding.json", "proof"),
    "a short salt": (set_in("proofs/finding.json", "salt", value="00"), "proofs/finding.json", "malformed"),
    "another leaf": (set_in("proofs/finding.json", "leaf", value='{"at":"x"}'), "proofs/finding.json", "malformed"),
    "a checkpoint of another size": (set_in("proofs/finding.json", "size", value=3), "proofs/finding.json", "checkpoint"),
    "a checkpoint that the log did not sign": (cut_checkpoint, "proofs/finding.json", "checkpoint"),
    "another log": (
        set_in("keys.json", "log", "vkey", value="other+00000000+" + b64encode(b"\x01" + bytes(32)).decode()),
        "proofs/finding.json",
        "checkpoint",
    ),
    "a report of another amount": (set_in("finding.json", "vola_amt", value="38.51"), "finding.json", "contradicts"),
    "a review that nobody made": (set_in("finding.json", "reviews", 0, "account", value="nobody"), "finding.json", "contradicts"),
    "a stamp that nobody gave": (set_in("reviews.json", "stamps", 0, "reason", value="甚好"), "reviews.json", "contradicts"),
    "a capture that was not": (set_in("captures.json", 0, "similarity", value=0.01), "captures.json", "contradicts"),
    "a capture of another minute": (
        set_in("captures.json", 0, "opened_at", value="2026-01-02T01:00:00+00:00"),
        "captures.json",
        "contradicts",
    ),
    "an event of another minute": (set_in("events.json", 0, "at", value="2026-01-02T01:00:00+00:00"), CAPTURE, "malformed"),
    "a capture of somebody else": (set_in("captures.json", 0, "psn_no", value="P2"), "captures.json", "contradicts"),
    "an event whose salt is kept back": (set_in(f"proofs/{CAPTURE[:-4]}.json", "salt", value=None), f"proofs/{CAPTURE[:-4]}.json", "proof"),
    "a finding whose salt is kept back": (set_in("proofs/finding.json", "salt", value=None), "proofs/finding.json", "proof"),
    "an event received at another time than it was logged": (
        set_in("events.json", 0, "received_at", value="2026-01-02T01:30:59+00:00"),
        f"proofs/{CAPTURE[:-4]}.json",
        "contradicts",
    ),
    "an event of another kind": (set_in("events.json", 1, "kind", value="void"), FOOTAGE, "malformed"),
    "a capture without an event": (invented_capture, f"events/{DEVICE}-1-7.jws", "missing"),
    "a capture bound to another settlement": (set_in("captures.json", 0, "setl_id", value="S-9"), "captures.json", "contradicts"),
    "a clerk who said nothing": (set_in("captures.json", 0, "opter", value="O-9"), "captures.json", "contradicts"),
    "a picture from nowhere": (picture_from_nowhere, "media/another.jpg", "stray"),
    "a certificate of nobody": (stray_certificate, "certificates/x.pem", "added"),
    "a picture in another role": (another_role, "media/", "wrong_media"),
    "a picture of another capture": (another_capture_s, "media/", "wrong_media"),
    "an enrolment picture as if it had been seen": (enrolment_as_seen, "media/", "not_announced"),
    "another claim than was reviewed": (set_in("claims.json", 0, "settlement", "medfee_sumamt", value="99.50"), "reviews.json", "marking"),
    "a stamp on another finding": (decision_about_another, "reviews.json", "contradicts"),
    "a stamp told twice": (without_a_failed_stamp, "reviews.json", "contradicts"),
    "a review that is kept back": (set_in("finding.json", "reviews", value=[]), "finding.json", "contradicts"),
    "another status": (set_in("finding.json", "status", value="dismissed"), "finding.json", "contradicts"),
    "the finding of somebody else": (another_s_finding, "finding.json", "contradicts"),
    "a name twice in one object": (twice, "reviews.json", "malformed"),
    "endless brackets": (deep, "reviews.json", "malformed"),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_what_the_centre_itself_signed_falsely_is_found(package: Path, centre: Centre, forgery: str) -> None:
    """The manifest is written and signed anew by the centre's own key: hashes and signature hold, what is said does not."""
    change_it, item, code = FORGERIES[forgery]
    target = forge(package, package.with_name("forged.zip"), change_it, centre.keys.signer)
    assert refused(target)[1] == code, forgery
    assert refused(target)[0].startswith(item)


def test_a_package_signed_by_somebody_else_is_refused(package: Path) -> None:
    stranger = Signer(Ed25519PrivateKey.generate())
    target = forge(package, package.with_name("forged.zip"), lambda *_: None, stranger)
    assert refused(target) == (SIGNATURE, "unknown_key")


def test_forging_alone_changes_nothing(package: Path, centre: Centre) -> None:
    """What the forgeries above do besides their change is not what is refused."""
    target = forge(package, package.with_name("forged.zip"), lambda *_: None, centre.keys.signer)
    assert verify_package(str(target))["kind"] == "package"


def test_a_key_that_was_replaced_still_proves_what_it_signed(package: Path, centre: Centre) -> None:
    def replaced(members: Members, what: dict[str, str]) -> None:
        later = {
            "last_epoch": builders.EPOCH,
            "last_seq": 2,
            "retired_at": "2026-01-02T01:30:21+00:00",
            "revoked_at": "2026-02-01T00:00:00+00:00",
        }
        edit(members, "keys.json", lambda keys: keys["devices"][0].update(later))

    target = forge(package, package.with_name("replaced.zip"), replaced, centre.keys.signer)
    assert verify_package(str(target))["checked"]["events"] == 2


def test_without_proofs_it_holds_unless_the_log_was_pinned(package: Path, centre: Centre) -> None:
    def unproved(members: Members, what: dict[str, str]) -> None:
        for name in [name for name in members if name.startswith("proofs/")]:
            del members[name]

    target = forge(package, package.with_name("unproved.zip"), unproved, centre.keys.signer)
    unproved_items = 1 + 2 + 3  # the finding, its events, and what was decided about it
    assert len(verify_package(str(target))["remarks"]) == unproved_items
    assert json.loads(run(target, "--log-key", centre.keys.log_vkey, "--json").stdout)["item"] == "finding.stated.json"


def test_a_decision_that_was_never_logged_is_refused_where_the_log_is_pinned(package: Path, centre: Centre) -> None:
    entries = json.loads(members_of(package)["custody.json"])["entries"]
    decided = [n for n, each in enumerate(entries) if each["action"] in ("finding.review", "evidence.stamp")]

    def unproved(members: Members, what: dict[str, str]) -> None:
        del members[f"proofs/audit/{entries[decided[1]]['audit_id']}.json"]

    target = forge(package, package.with_name("unproved.zip"), unproved, centre.keys.signer)
    found = json.loads(run(target, "--log-key", centre.keys.log_vkey, "--json").stdout)
    assert (found["item"], found["code"]) == (f"custody.json#{decided[1]}", "proof")


def test_a_picture_that_an_event_names_and_that_is_not_here_is_a_remark(package: Path, centre: Centre) -> None:
    def kept_back(members: Members, what: dict[str, str]) -> None:
        name = opening_of(members, "best")
        opened = json.loads(members[name])["opened"]
        for each in (name, name.replace(".json", ".sealed"), opened):
            del members[each]
        edit(members, "media.json", lambda listed: [each.update(absent="lost") for each in listed if each["role"] == "best"])

    target = forge(package, package.with_name("kept.zip"), kept_back, centre.keys.signer)
    (remark,) = verify_package(str(target))["remarks"]
    assert "not enclosed (lost)" in remark


def test_a_witness_counts_when_its_line_holds(centre: Centre, package: Path) -> None:
    private = Ed25519PrivateKey.generate()
    public = raw_public(private.public_key())

    def witnessed(made: Any, but: str = "") -> Change:
        """Co-signed, all but the proofs of entries of one action."""
        entries = json.loads(members_of(package)["custody.json"])["entries"]
        left_out = {f"proofs/audit/{each['audit_id']}.json" for each in entries if each["action"] == but}

        def apply(members: Members, what: dict[str, str]) -> None:
            edit(members, "keys.json", lambda keys: keys["log"]["witnesses"].update({"witness.example": to_text(public)}))
            for name in [name for name in members if name.startswith("proofs/") and name not in left_out]:
                edit(members, name, lambda proof: proof.update(checkpoint=proof["checkpoint"] + made(proof["checkpoint"])))

        return apply

    def line(note: str, at: int = 1_767_312_000, signed_at: int = 1_767_312_000) -> str:
        """C2SP tlog-cosignature: key id, time, and the signature of time and note."""
        signature = private.sign(f"cosignature/v1\ntime {signed_at}\n{note.partition(chr(10) * 2)[0]}\n".encode())
        number = sha256(b"witness.example\n\x04" + public).digest()[:4]
        return f"— witness.example {b64encode(number + at.to_bytes(8, 'big') + signature).decode()}\n"

    target = forge(package, package.with_name("witnessed.zip"), witnessed(line), centre.keys.signer)
    pinned = run(target, "--witness-key", f"witness.example={to_text(public)}", "--json")
    assert json.loads(pinned.stdout)["holds"] is True, pinned.stdout
    looks = forge(package, package.with_name("witnessed.zip"), witnessed(line, but="picture.view"), centre.keys.signer)
    pinned = run(looks, "--witness-key", f"witness.example={to_text(public)}", "--json")
    assert json.loads(pinned.stdout)["holds"] is True, "the newest entries tell of this very export; no witness can know them yet"
    assert "has not signed it yet" in pinned.stdout
    for undecided in ("finding.review", "evidence.stamp"):
        target = forge(package, package.with_name("witnessed.zip"), witnessed(line, but=undecided), centre.keys.signer)
        told = json.loads(run(target, "--witness-key", f"witness.example={to_text(public)}", "--json").stdout)
        assert (told["code"], "some minutes later" in told["why"]) == ("cosignature", True)
    backdated = forge(package, package.with_name("witnessed.zip"), witnessed(lambda note: line(note, at=1)), centre.keys.signer)
    assert refused(backdated) == ("proofs/finding.json", "cosignature")
    silent = forge(package, package.with_name("witnessed.zip"), witnessed(lambda _: ""), centre.keys.signer)
    assert json.loads(run(silent, "--witness-key", f"witness.example={to_text(public)}", "--json").stdout)["code"] == "cosignature"


def test_the_exporters_witnesses_stand_in_the_package(centre: Centre, tmp_path: Path) -> None:
    jr_id = make_finding(centre, number=7)
    certify(centre, f"{builders.DEVICE}7")
    key = to_text(raw_public(Ed25519PrivateKey.generate().public_key()))
    exporter(centre, witnesses={"w.example": key}).export(
        jr_id, tmp_path / "w.zip", package_id="EP-1", purpose="x", actor="a", now=centre.now()
    )
    assert json.loads(members_of(tmp_path / "w.zip")["keys.json"])["log"]["witnesses"] == {"w.example": key}
