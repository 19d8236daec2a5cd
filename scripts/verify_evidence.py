#!/usr/bin/env python3
"""Check an evidence package, or an export of the transparency log, without whoever made it; 核验证据包或透明日志导出文件。

    python3 verify_evidence.py PACKAGE.zip [--centre-key KEY] [--log-key KEY] [--witness-key NAME=KEY] [--json]
    python3 verify_evidence.py LOG.zip     [--log-key KEY] [--witness-key NAME=KEY] [--known-checkpoint FILE] [--json]

One file; needs Python 3.9 or newer and the package `cryptography`, no network, and nothing of the program that wrote the package. It stops
at the first bad item, names it and says why. Exit code 0: everything holds; 1: something does not; 2: it cannot be read, or wrong usage.

What is signed with keys that only the package itself names proves no more than that it is whole: get the keys from elsewhere (the centre's
notice, a witness, an earlier package) and hand them in. What the centre alone can know stays its word: which key is a device's, who
approved a site, what a report in PDF says and, unless a logged stamp covers it, what was claimed. Standards: RFC 7515/8037 (JWS, Ed25519),
7638 (names of keys), 9180 (HPKE), 5280 (certificates), 6962 (Merkle trees), C2SP signed-note, tlog-checkpoint, tlog-cosignature.
"""
# ruff: noqa: UP017 - Python 3.9 has no datetime.UTC

from __future__ import annotations

import argparse
import hashlib
import hmac
import json
import re
import struct
import sys
import zlib
from base64 import b64decode, b64encode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, NoReturn

from cryptography import x509
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.x509.oid import NameOID

FAULTS = {
    "not_a_zip": ("不是可读的压缩包", "it cannot be read as a zip"),
    "container": ("压缩包结构被改动：{0}", "the zip around it is not as it must be: {0}"),
    "unsafe_name": ("文件名不安全", "its name is not safe"),
    "doubled": ("同名文件出现两次", "it stands in the zip twice"),
    "missing": ("缺少该文件", "it is missing"),
    "added": ("清单之外多出的文件", "it was added: the manifest does not name it"),
    "moved": ("文件顺序与清单不符", "it does not stand where the manifest has it"),
    "changed": ("内容已被改动，与所记哈希不符", "it was changed: its size or SHA-256 is another one"),
    "malformed": ("内容格式不符：{0}", "it does not say what it must say: {0}"),
    "signature": ("签名无效", "its signature is false"),
    "unknown_key": ("签名密钥不在可信之列", "it is signed by a key that is not among the trusted ones"),
    "chain": ("事件链断裂：前一事件的哈希不符", "the chain is broken: it does not point to the one before it"),
    "key_number": ("该编号时密钥已停用", "its key was not valid any more at that number"),
    "key_time": ("收到时密钥无效或已吊销", "its key was not valid, or was revoked, when it was received"),
    "foreign_certificate": ("证书不是该机构签发，或不属于该设备", "the certificate was not issued by that authority for that device"),
    "certificate_time": ("收到事件时证书不在有效期内", "no certificate of the device was in force when the event was received"),
    "not_announced": ("没有任何已签名事件提到该影像", "no signed event names this picture or clip"),
    "stray": ("证据包不含此类文件", "a package has no such member, or calls it otherwise"),
    "wrong_media": ("不是事件所指的影像", "it is not the picture or clip that the event names"),
    "opening": ("启封结果与设备所封内容不符", "the opening is false: these are not the bytes that were sealed"),
    "entry": ("留痕记录与其哈希不符", "the entry is not the one that its hash names"),
    "marking": ("审核标记与所附审核记录不符", "the marking does not follow from the reviews that are enclosed"),
    "contradicts": ("与 {0} 不一致", "it contradicts {0}"),
    "proof": ("透明日志证明不成立：{0}", "the proof is false: {0}"),
    "checkpoint": ("检查点无效：{0}", "the checkpoint is false: {0}"),
    "cosignature": ("见证方副署无效：{0}", "a co-signature is false: {0}"),
    "cut": ("日志比已知检查点短，尾部被截去", "the log is shorter than the known checkpoint: its end was cut off"),
    "rewritten": ("与已知检查点不一致，历史被改写", "the log does not agree with the known checkpoint: its past was rewritten"),
}
UNREVIEWED = "未经法制和技术审核，不得作为行政处罚的证据"
MANIFEST, SEAL = "manifest.json", "manifest.jws"
LOG_NAMES = (["checkpoint", "keys.json", "leaves.jsonl"], ["checkpoint", "keys.json", "leaves.jsonl", "audit.jsonl"])
SAID = ("fixmedins_code", "window", "msgid", "psn_no", "closing", "outcome", "reasons", "similarity", "liveness", "persons", "software")
DOCUMENTS = ("finding", "rule", "claims", "site", "captures", "keys", "events", "reviews", "holds", "exports", "custody", "media")
MEMBERS = (
    *((rf"{name}\.json", name) for name in DOCUMENTS),
    (r"README\.txt", "readme"),
    (r"report\.pdf", "report"),
    (r"finding\.stated\.json", "stated"),
    (r"certificates/authority\.pem", "authority"),
    (r"certificates/[^/]+\.pem", "certificate"),
    (r"events/[^/]+\.jws", "event"),
    (r"media/[0-9a-f]{64}\.sealed", "sealed"),
    (r"media/[0-9a-f]{64}\.json", "opening"),
    (r"media/[0-9a-f]{64}\.(jpg|webm)", "opened"),
    (r"proofs/(audit/|events/)?[^/]+\.json", "proof"),
)
COVERED = ("jr_id", "rule_id", "rule_version", "vola_cont", "vola_amt", "vola_evid", "limits")
SETTLEMENT = (
    *("fixmedins_code", "setl_id", "medins_setl_id", "mdtrt_id", "fixmedins_name", "mdtrtarea_admvs", "insuplc_admdvs", "psn_no"),
    *("mdtrt_cert_type", "insutype", "med_type", "setl_time", "begndate", "enddate", "medfee_sumamt", "fund_pay_sumamt", "hifp_pay"),
    *("acct_pay", "acct_mulaid_pay", "psn_cash_pay", "refd_setl_flag", "init_setl_id", "dr_codg", "dr_src", "dr_name", "dept_code"),
    *("ipt_otp_no", "adm_bed", "dscg_maindiag_code", "dscg_way", "opter", "dev_no", "opter_type", "auth_no", "out_biz_no"),
)
DECISIONS = ("finding.review", "evidence.stamp")
UNPROVED = "there is none: it is older than the log, or had no place yet; without --log-key the rest is checked"
NOT_YET = "{0} has not signed: witnesses sign some minutes later, a package that is exported then has it"
SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*")
MOST_JSON, MOST_MEMBERS, PIECE = 1 << 26, 65535, 1 << 20


class BadItem(Exception):
    """The first thing that does not hold: `item` names it, `code` says what is wrong with it."""

    def __init__(self, item: str, code: str, *values: object) -> None:
        self.item, self.code = item, code
        self.zh, self.en = (text.format(*values) for text in FAULTS[code])
        super().__init__(f"{item}: {self.en}")


@contextmanager
def about(item: str) -> Iterator[None]:
    """Whatever else goes wrong while an item is looked at is a fault of that item."""
    try:
        yield
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, RecursionError, OverflowError, struct.error) as error:
        raise BadItem(item, "malformed", f"{type(error).__name__}: {error}"[:200]) from None


# ---- plain bytes: base64, JSON, times


def refuse(why: str) -> NoReturn:
    raise ValueError(why)


def unbase64url(text: str) -> bytes:
    """Base64url without padding, and only the one spelling of these bytes."""
    data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    return data if urlsafe_b64encode(data).rstrip(b"=").decode() == text else refuse("base64url in another spelling")


def unbase64(text: str) -> bytes:
    data = b64decode(text, validate=True)
    return data if b64encode(data).decode() == text else refuse("base64 in another spelling")


def strict_json(data: bytes) -> Any:
    """JSON in which no name stands twice and no number is endless."""

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        return dict(found) if len(dict(found)) == len(found) else refuse("a name stands twice in one JSON object")

    def constant(name: str) -> NoReturn:
        refuse(f"{name} is no JSON")

    return json.loads(data.decode("utf-8"), object_pairs_hook=pairs, parse_constant=constant)


def canonical(content: Any) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def moment(text: str) -> datetime:
    found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return found if found.tzinfo is not None else refuse("a time without its zone")


# ---- the zip: stored members one behind the other, in exactly one form


class Box:
    """A zip of which every byte is accounted for. Nothing is unpacked; members are read where they lie."""

    def __init__(self, path: str) -> None:
        self.file = Path(path).open("rb")  # noqa: SIM115 - closed by `close`
        self.length = self.file.seek(0, 2)
        self.places: dict[str, tuple[int, int, int]] = {}
        self.names: set[str] = set()
        self.json: dict[str, Any] = {}
        if self._at(0, 2) != b"PK" and self._at(max(0, self.length - 22), 2) != b"PK":
            raise BadItem(str(path), "not_a_zip")
        self._read_directory()

    def close(self) -> None:
        self.file.close()

    def _at(self, offset: int, size: int) -> bytes:
        self.file.seek(offset)
        return self.file.read(size)

    def _read_directory(self) -> None:
        end = self._at(max(0, self.length - 22), 22)
        if end[:4] != b"PK\x05\x06" or len(end) != 22:
            raise BadItem("(zip)", "container", "its end record is missing or something stands behind it")
        count, size, offset = struct.unpack("<H2L", end[10:20])
        if end != struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, count, count, size, offset, 0) or offset + size != self.length - 22:
            raise BadItem("(zip)", "container", "its end record")
        directory, place, expected = self._at(offset, size), 0, 0
        for _ in range(count):
            here = self._name_at(expected)
            fixed = directory[place : place + 46]
            if len(fixed) < 46:
                raise BadItem(here, "container", "the directory ends before it")
            crc, stored, whole, length = struct.unpack("<3LH", fixed[16:30])
            name = directory[place + 46 : place + 46 + length].decode("ascii", "replace")
            numbers = (20, 3, 20, 0, 0, 0, 0, 33, crc, whole, whole, length, 0, 0, 0, 0, 0o644 << 16, expected)
            if struct.pack("<4s4B4H3L5H2L", b"PK\x01\x02", *numbers) != fixed or stored != whole or place + 46 + length > size:
                why = "its entry in the directory (compressed, encrypted, elsewhere, or changed)"
                raise BadItem(here, "container", f"{why}, which names {name[:240]!r}")
            self._add(name, here, crc, whole, expected)
            place, expected = place + 46 + length, expected + 30 + length + whole
        if place != size or expected != offset:
            raise BadItem("(zip)", "container", "something stands between its members")

    def _name_at(self, offset: int) -> str:
        """What the header before a member calls it."""
        head = self._at(offset, 30)
        length = struct.unpack("<H", head[26:28])[0] if len(head) == 30 else 0
        return self._at(offset + 30, min(length, 240)).decode("ascii", "replace") or "(zip)"

    def _add(self, name: str, here: str, crc: int, size: int, offset: int) -> None:
        head = struct.pack("<4s2B4H3L2H", b"PK\x03\x04", 20, 0, 0, 0, 0, 33, crc, size, size, len(name), 0) + name.encode()
        if self._at(offset, len(head)) != head:
            raise BadItem(here, "container", f"the header before it is not that of its entry in the directory, which names {name[:240]!r}")
        if not SAFE_NAME.fullmatch(name) or len(name) > 240:
            raise BadItem(name[:240], "unsafe_name")
        if name.lower() in self.names:
            raise BadItem(name, "doubled")
        self.names.add(name.lower())
        self.places[name] = (offset + len(head), size, crc)

    def digest(self, name: str) -> str:
        """The SHA-256 of a member, read in pieces; its checksum in the zip must fit too."""
        offset, left, crc = self._place(name)
        self.file.seek(offset)
        found, check = hashlib.sha256(), 0
        while left:
            piece = self.file.read(min(PIECE, left))
            if not piece:
                raise BadItem(name, "container", "it is cut")
            found.update(piece)
            check, left = zlib.crc32(piece, check), left - len(piece)
        if check != crc:
            raise BadItem(name, "changed")
        return found.hexdigest()

    def read(self, name: str) -> bytes:
        offset, size, _ = self._place(name)
        return self._at(offset, size)

    def lines(self, name: str) -> Iterator[bytes]:
        """The lines of a member, each ended by a newline, without holding it in memory."""
        offset, left, _ = self._place(name)
        self.file.seek(offset)
        while left:
            line = self.file.readline(min(left, MOST_JSON))
            left -= len(line)
            here = self.file.tell()
            yield line[:-1] if line.endswith(b"\n") else refuse("a line has no end")
            self.file.seek(here)

    def load(self, name: str) -> Any:
        """A member that holds JSON."""
        if name not in self.json:
            with about(name):
                if self._place(name)[1] > MOST_JSON:
                    raise ValueError("larger than any document of a package")
                self.json[name] = strict_json(self.read(name))
        return self.json[name]

    def _place(self, name: str) -> tuple[int, int, int]:
        if name not in self.places:
            raise BadItem(name, "missing")
        return self.places[name]


# ---- signatures and seals


def thumbprint(public: bytes) -> str:
    """RFC 7638 of an Ed25519 key."""
    jwk = canonical({"crv": "Ed25519", "kty": "OKP", "x": urlsafe_b64encode(public).rstrip(b"=").decode()})
    return urlsafe_b64encode(hashlib.sha256(jwk).digest()).rstrip(b"=").decode()


def is_signed(public: bytes, signature: bytes, content: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, content)
    except (InvalidSignature, ValueError):
        return False
    return True


def open_jws(item: str, signed: bytes, typ: str, keys: dict[str, bytes]) -> tuple[str, Any]:
    """The kid and the payload of a compact JWS that one of these keys (by thumbprint) signed as this type of message."""
    with about(item):
        head, body, signature = signed.decode("ascii").split(".")
        header, payload = strict_json(unbase64url(head)), unbase64url(body)
        if header != {"alg": "Ed25519", "kid": header["kid"], "typ": typ}:
            raise ValueError("its header")
        if header["kid"] not in keys:
            raise BadItem(item, "unknown_key")
        if not is_signed(keys[header["kid"]], unbase64url(signature), f"{head}.{body}".encode()):
            raise BadItem(item, "signature")
        return header["kid"], strict_json(payload)


def unseal(sealed: bytes, secret: bytes, recipient: bytes, purpose: bytes) -> bytes:
    """Undo one seal by its X25519 secret: HPKE base mode (RFC 9180), X25519, HKDF-SHA256, AES-256-GCM. Raises InvalidTag, ValueError."""
    if sealed[:1] != b"\x01" or len(sealed) < 49 or len(secret) != 32 or len(recipient) != 32:
        raise ValueError("no seal of a known format")
    enc, kem, suite = sealed[1:33], b"KEM\x00\x20", b"HPKE\x00\x20\x00\x01\x00\x02"

    def extract(which: bytes, salt: bytes, label: bytes, key: bytes) -> bytes:
        return hmac.digest(salt or bytes(32), b"HPKE-v1" + which + label + key, "sha256")

    def expand(which: bytes, key: bytes, label: bytes, info: bytes, size: int) -> bytes:
        return hmac.digest(key, struct.pack(">H", size) + b"HPKE-v1" + which + label + info + b"\x01", "sha256")[:size]

    shared = expand(kem, extract(kem, b"", b"eae_prk", secret), b"shared_secret", enc + recipient, 32)
    context = b"\x00" + extract(suite, b"", b"psk_id_hash", b"") + extract(suite, b"", b"info_hash", purpose)
    base = extract(suite, shared, b"secret", b"")
    return AESGCM(expand(suite, base, b"key", context, 32)).decrypt(expand(suite, base, b"base_nonce", context, 12), sealed[33:], None)


# ---- the transparency log


def leaf_hash(data: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of_path(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes:
    """RFC 9162, 2.1.3.2, the same tree as RFC 6962. Raises ValueError for a path that does not fit the place."""
    if not 0 <= index < size or len(path) > 64:
        raise ValueError("the place lies outside of the tree")
    place, last, found = index, size - 1, leaf
    for other in path:
        if last == 0 or len(other) != 32:
            raise ValueError("the path is too long")
        if place & 1 or place == last:
            found = node_hash(other, found)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            found = node_hash(found, other)
        place, last = place >> 1, last >> 1
    return found if last == 0 else refuse("the path is too short")


class Tree:
    """The root of ever more leaves, of which only the edge is kept."""

    def __init__(self) -> None:
        self.size, self.edge = 0, list[bytes]()

    def add(self, found: bytes) -> None:
        rest = self.size
        while rest & 1:
            found, rest = node_hash(self.edge.pop(), found), rest >> 1
        self.edge.append(found)
        self.size += 1

    def root(self) -> bytes:
        if not self.edge:
            return hashlib.sha256(b"").digest()
        found = self.edge[-1]
        for left in reversed(self.edge[:-1]):
            found = node_hash(left, found)
        return found


def open_note(item: str, note: str, log: tuple[str, bytes], witnesses: dict[str, bytes]) -> tuple[int, bytes, list[str]]:
    """Size, root and the co-signing witnesses of a checkpoint. Each line must be of the log or of a named witness, and must hold."""
    origin, public = log
    with about(item):
        text, lines = note[: note.rindex("\n\n") + 1], note[note.rindex("\n\n") + 2 :]
        if not lines.endswith("\n") or text.split("\n")[0] != origin or len(text.split("\n")) != 4:
            raise BadItem(item, "checkpoint", "it is no checkpoint of this log")
        size, root = text.split("\n")[1], unbase64(text.split("\n")[2])
        if not re.fullmatch(r"0|[1-9][0-9]{0,17}", size) or len(root) != 32:
            raise BadItem(item, "checkpoint", "its size or root")
        seen: list[str] = []
        for line in lines[:-1].split("\n"):
            dash, name, signature = line.split(" ")
            if dash != "—" or name in seen:
                raise BadItem(item, "checkpoint", "a signature line that cannot be")
            _check_line(item, text, name, unbase64(signature), public if name == origin else witnesses.get(name), name == origin)
            seen.append(name)
        if origin not in seen:
            raise BadItem(item, "checkpoint", "the log itself did not sign it")
    return int(size), root, [name for name in seen if name != origin]


def _check_line(item: str, text: str, name: str, line: bytes, public: bytes | None, own: bool) -> None:
    if public is None:
        raise BadItem(item, "unknown_key")
    kind, number, signature = (b"\x01", b"", line[4:]) if own else (b"\x04", line[4:12], line[12:])
    known = hashlib.sha256(name.encode() + b"\n" + kind + public).digest()[:4] == line[:4] and len(signature) == 64
    signed = text if own else f"cosignature/v1\ntime {int.from_bytes(number, 'big')}\n{text}"
    if not known or not is_signed(public, signature, signed.encode()):
        raise BadItem(item, "checkpoint" if own else "cosignature", f"the signature of {name}")


def read_leaf(data: bytes) -> dict[str, Any]:
    leaf = strict_json(data)
    if sorted(leaf) != ["at", "commitment", "kind", "v"] or leaf["v"] != 1 or canonical(leaf) != data:
        raise ValueError("not the canonical form of a leaf")
    if not re.fullmatch(r"[0-9a-f]{64}", leaf["commitment"]):
        raise ValueError("its commitment")
    moment(leaf["at"])
    return dict(leaf)


def commits(leaf: dict[str, Any], salt: str, content: bytes) -> bool:
    if not re.fullmatch(r"[0-9a-f]{64}", salt):
        raise ValueError("the salt is none of 32 bytes")
    return hmac.compare_digest(hmac.digest(bytes.fromhex(salt), content, "sha256").hex(), leaf["commitment"])


def key_of(text: str) -> tuple[str | None, bytes]:
    """The name, if it is there, and the 32 bytes of a key given as base64, base64url or a C2SP verifier key (name+hash+base64)."""
    named = re.fullmatch(r"(.+?)\+[0-9a-f]{8}\+(.+)", text)
    material = (named.group(2) if named else text).replace("-", "+").replace("_", "/")
    data = b64decode(material + "=" * (-len(material) % 4), validate=True)
    data = data[1:] if named else data
    return named.group(1) if named else None, data if len(data) == 32 else refuse(f"{text[:80]!r} is no key of 32 bytes")


# ---- an export of the log


def verify_log(
    path: str, log_key: str | None = None, witness_keys: dict[str, str] | None = None, known_checkpoint: str | None = None
) -> dict[str, Any]:
    """Check every leaf, the audit log where it is enclosed, the checkpoint and its co-signatures. Raises BadItem for the first bad item."""
    box = Box(path)
    try:
        if list(box.places) not in LOG_NAMES:
            stray = [name for name in box.places if name not in LOG_NAMES[1]]
            lacking = [name for name in LOG_NAMES[0] if name not in box.places]
            raise BadItem((stray or lacking or list(box.places))[0], "added" if stray else "missing" if lacking else "moved")
        for name in box.places:
            box.digest(name)
        return _log(box, log_key, witness_keys or {}, known_checkpoint)
    finally:
        box.close()


def _log(box: Box, log_key: str | None, pins: dict[str, str], known: str | None) -> dict[str, Any]:
    keys, note = box.load("keys.json"), _text(box.read("checkpoint"), "checkpoint")
    with about("keys.json"):
        if sorted(keys) != ["log", "witnesses"] or canonical(keys) != box.read("keys.json"):
            raise ValueError("not the canonical form of the keys")
        log = (note.split("\n")[0], unbase64(keys["log"]))
        witnesses = {name: unbase64(key) for name, key in keys["witnesses"].items()}
        _pinned("keys.json", log[1], log_key, witnesses, pins)
    size, root, cosigned = open_note("checkpoint", note, log, witnesses)
    for name in witnesses:
        if name not in cosigned:
            raise BadItem("checkpoint", "cosignature", f"{name} is named and has not signed")
    earlier = None if known is None else _known(Path(known).read_text(encoding="utf-8"), log, witnesses)
    if earlier is not None and earlier[0] > size:
        raise BadItem("checkpoint", "cut")
    commitments = _leaves(box, size, root, earlier)
    entries = _audit(box, commitments) if "audit.jsonl" in box.places else None
    trust = {"log_key": log_key is not None, "witness_keys": sorted(pins), "known_checkpoint": known is not None}
    return {"kind": "log", "leaves": size, "audit_entries": entries, "cosigned_by": cosigned, "pinned": trust, "remarks": []}


def _known(note: str, log: tuple[str, bytes], witnesses: dict[str, bytes]) -> tuple[int, bytes]:
    """A checkpoint held elsewhere: the log's own line must hold; of co-signatures only those that can be checked count."""
    head, _, lines = note.rpartition("\n\n")
    known = [line for line in lines.split("\n") if line.split(" ")[1:2] in ([log[0]], *([name] for name in witnesses))]
    return open_note("--known-checkpoint", head + "\n\n" + "".join(f"{line}\n" for line in known), log, witnesses)[:2]


def _numbered(box: Box, name: str) -> Iterator[tuple[str, bytes]]:
    with about(name):
        for number, line in enumerate(box.lines(name), start=1):
            yield f"{name} line {number}", line


def _leaves(box: Box, size: int, root: bytes, earlier: tuple[int, bytes] | None) -> dict[int, dict[str, Any]]:
    tree, audited = Tree(), dict[int, dict[str, Any]]()
    for item, line in _numbered(box, "leaves.jsonl"):
        with about(item):
            leaf = read_leaf(line)
        if leaf["kind"] == "audit":
            audited[tree.size] = leaf
        if earlier is not None and tree.size == earlier[0] and tree.root() != earlier[1]:
            raise BadItem("leaves.jsonl", "rewritten")
        tree.add(leaf_hash(line))
    if tree.size != size:
        raise BadItem("leaves.jsonl", "checkpoint", f"it is of {size} leaves, {tree.size} are here")
    if earlier is not None and tree.size == earlier[0] and tree.root() != earlier[1]:
        raise BadItem("leaves.jsonl", "rewritten")
    if tree.root() != root:
        raise BadItem("leaves.jsonl", "checkpoint", "its root is that of other leaves")
    return audited


def _audit(box: Box, leaves: dict[int, dict[str, Any]]) -> int:
    prev, count, claimed, unopened = "0" * 64, 0, set[int](), ""
    for item, line in _numbered(box, "audit.jsonl"):
        count += 1
        with about(item):
            row = strict_json(line)
            entry = canonical(row["entry"])
            names = ["action", "actor", "at", "detail", "object", "prev"]
            if canonical(row) != line or sorted(row) != ["entry", "index", "salt"] or sorted(row["entry"]) != names:
                raise ValueError("not the canonical form of an entry")
            if row["entry"]["prev"] != prev:
                raise BadItem(item, "chain")
            if row["index"] is not None:
                if row["index"] in claimed or row["index"] not in leaves:
                    raise BadItem(item, "proof", "its leaf is another's, or none of the audit log")
                if row["salt"] is not None and not commits(leaves[row["index"]], row["salt"], entry):
                    raise BadItem(item, "proof", "its leaf commits to another entry")
                claimed.add(row["index"])
                unopened = item if row["salt"] is None else ""
            prev = hashlib.sha256(entry).hexdigest()
    if unopened:
        raise BadItem(unopened, "proof", "its salt is missing, and no later entry vouches for it")
    if claimed != set(leaves):
        raise BadItem(
            "audit.jsonl", "proof", f"{len(set(leaves) - claimed)} leaves of the audit log belong to no entry: entries are missing"
        )
    return count


def _pinned(item: str, public: bytes, log_key: str | None, witnesses: dict[str, bytes], pins: dict[str, str]) -> None:
    if log_key is not None and key_of(log_key)[1] != public:
        raise BadItem(item, "unknown_key")
    for name, key in pins.items():
        if witnesses.get(name) != key_of(key)[1]:
            raise BadItem(f"{item} witness {name}", "unknown_key")


def _text(data: bytes, item: str) -> str:
    with about(item):
        return data.decode("utf-8")


# ---- an evidence package


class Package:
    """The checks of one package, in the order in which they are made; each raises BadItem for the first thing that does not hold."""

    def __init__(self, box: Box, pins: argparse.Namespace) -> None:
        self.box, self.pins = box, pins
        self.remarks: list[str] = []
        self.counts: dict[str, int] = {}
        self.what: dict[str, str] = {}
        self.media: dict[str, list[tuple[dict[str, Any], dict[str, Any]]]] = {}
        self.said: dict[str, dict[str, Any]] = {}

    def check(self) -> dict[str, Any]:
        """Every check; what the package is about, and what the checks counted and remarked. Raises BadItem."""
        self._manifest()
        self._members()
        for part in (self._certificates, self._events, self._media, self._custody, self._marking, self._proofs, self._agree, self._reviews):
            with about(part.__name__[1:] + ".json"):
                part()
        head = {name: self.manifest[name] for name in ("package", "jr_id", "exported_at", "exported_by", "purpose", "marking")}
        pinned = {
            "centre_key": self.pins.centre_key is not None,
            "log_key": self.pins.log_key is not None,
            "witness_keys": sorted(self.witness_pins),
        }
        return {"kind": "package", **head, "centre": self.centre["kid"], "checked": self.counts, "pinned": pinned, "remarks": self.remarks}

    def _manifest(self) -> None:
        """The signature decides which of the two was changed: the manifest's key stands in keys.json too."""
        data, seal = self.box.read(MANIFEST), self.box.read(SEAL)
        trusted = dict[str, bytes]()
        for source in ("keys.json", MANIFEST):
            try:
                public = unbase64url(self.box.load(source)["centre"]["sign_public"])
                trusted[thumbprint(public)] = public
            except (BadItem, KeyError, TypeError, ValueError):
                continue
        if self.pins.centre_key is not None:
            pin = self.pins.centre_key
            trusted = {kid: key for kid, key in trusted.items() if pin == kid or _same_key(pin, key)}
        _, said = open_jws(SEAL, seal, "evidence-package", trusted)
        if said["manifest_sha256"] != hashlib.sha256(data).hexdigest():
            raise BadItem(MANIFEST, "changed")
        self.manifest = self.box.load(MANIFEST)
        with about(MANIFEST):
            if canonical(self.manifest) != data or said["package"] != self.manifest["package"] or self.manifest["v"] != 1:
                raise ValueError("not the canonical form of a manifest of version 1")

    def _members(self) -> None:
        with about(MANIFEST):
            named = [(each["name"], each["size"], each["sha256"], each["what"]) for each in self.manifest["members"]]
        for name in self.box.places:
            if name not in {MANIFEST, SEAL} | {each[0] for each in named}:
                raise BadItem(name, "added")
        for name, size, digest, what in named:
            if self.box._place(name)[1] != size or self.box.digest(name) != digest:
                raise BadItem(name, "changed")
            if what != next((each for form, each in MEMBERS if re.fullmatch(form, name)), None):
                raise BadItem(name, "stray")
            self.what[name] = what
        for found, expected in zip(self.box.places, [*(each[0] for each in named), MANIFEST, SEAL]):  # noqa: B905 - Python 3.9 has no strict=
            if found != expected:
                raise BadItem(found, "moved")
        for name in (MANIFEST, SEAL):
            self.box.digest(name)
        self.counts["members"] = len(named) + 2

    def _certificates(self) -> None:
        """Every certificate is of the enclosed authority and of its device; every key has the name that it says."""
        keys = self.box.load("keys.json")
        self.centre = keys["centre"]
        if self.centre != self.manifest["centre"] or thumbprint(unbase64url(self.centre["sign_public"])) != self.centre["kid"]:
            raise BadItem("keys.json", "unknown_key")
        self.devices = {(each["device"], each["kid"]): each for each in keys["devices"]}
        self.periods = dict[str, list[tuple[datetime, datetime]]]()
        authority = _certificate(self.box, "certificates/authority.pem")
        for key in keys["devices"]:
            if thumbprint(unbase64url(key["sign_public"])) != key["kid"]:
                raise BadItem(f"keys.json {key['device']}", "unknown_key")
            if key["certificate"] is not None:
                found = _certificate(self.box, key["certificate"])
                _require_issued(key["certificate"], found, authority, key["device"])
                self.periods.setdefault(key["device"], []).append(_period(found))
        stray = {name for name, what in self.what.items() if what == "certificate"} - {key["certificate"] for key in keys["devices"]}
        if stray:
            raise BadItem(sorted(stray)[0], "added")
        self.counts["certificates"] = sum(len(each) for each in self.periods.values())

    def _events(self) -> None:
        """Each event is signed by a key that its device had at that number, and points to the one before it where that is enclosed."""
        listed, before = self.box.load("events.json"), dict[tuple[str, int, int], str]()
        for event in listed:
            number = (event["device_id"], event["epoch"], event["seq"])
            name = "events/{}-{}-{}.jws".format(*number)
            if event["member"] is None:
                self.remarks.append(f"{name}: 已按申请删除，仅存哈希 / erased on request, its hash stands")
            else:
                self._event(name, event)
            last = before.get((number[0], number[1], number[2] - 1))
            if last is not None and last != event["prev"]:
                raise BadItem(name, "chain")
            before[number] = event["sha256"]
        stray = {name for name, what in self.what.items() if what == "event"} - {event["member"] for event in listed}
        if stray:
            raise BadItem(sorted(stray)[0], "added")
        self.counts["events"] = len(listed)

    def _event(self, name: str, event: dict[str, Any]) -> None:
        signed = self.box.read(name)
        if event["member"] != name or hashlib.sha256(signed).hexdigest() != event["sha256"]:
            raise BadItem(name, "changed")
        keys = {kid: unbase64url(key["sign_public"]) for (device, kid), key in self.devices.items() if device == event["device_id"]}
        kid, said = open_jws(name, signed, "event", keys)
        with about(name):
            told = (event["device_id"], event["epoch"], event["seq"], event["prev"])
            if (
                (said["device"], said["epoch"], said["seq"], said["prev"]) != told
                or kid != event["kid"]
                or moment(said["at"]) != moment(event["at"])
                or event["kind"] not in ("unreadable", said.get("kind"))
            ):
                raise ValueError("it is another event than the list says")
            key, received = self.devices[event["device_id"], kid], moment(event["received_at"])
            if key["last_epoch"] is not None and (said["epoch"], said["seq"]) > (key["last_epoch"], key["last_seq"]):
                raise BadItem(name, "key_number")
            if received < moment(key["valid_from"]) or (key["revoked_at"] is not None and received >= moment(key["revoked_at"])):
                raise BadItem(name, "key_time")
            periods = self.periods.get(said["device"], [])
            if key["certificate"] is not None and received < min(since for since, _ in periods):
                raise BadItem(name, "certificate_time")
            if key["certificate"] is not None and not any(since <= received <= until for since, until in periods):
                self.remarks.append(
                    f"{name}: 收到时所记证书已到期 / received after the noted certificate had ended: a passing one was given"
                )
            self.said[name] = said
            for ref in said.get("media", ()):
                if isinstance(ref, dict):
                    self.media.setdefault(ref["media_id"], []).append((said, ref))

    def _media(self) -> None:
        """Each sealed object is the one that a signed event names, and each opened one is what was sealed."""
        used = set[str]()
        for name in [name for name, what in self.what.items() if what == "opening"]:
            opening = self.box.load(name)
            with about(name):
                sealed, opened = f"media/{opening['media_id']}.sealed", opening["opened"]
                used |= {sealed, opened}
                if self.box.digest(sealed) != opening["media_id"] or name != f"media/{opening['media_id']}.json":
                    raise BadItem(sealed, "wrong_media")
                if opened.rpartition(".")[0] != name.rpartition(".")[0]:
                    raise BadItem(opened, "wrong_media")
                self._announced(sealed, opening)
                secrets = (bytes.fromhex(opening["secret"]), unbase64url(self.centre["seal_public"]), opening["purpose"].encode())
                try:
                    content = unseal(self.box.read(sealed), *secrets)
                except (InvalidTag, ValueError):
                    raise BadItem(name, "opening") from None
                if content != self.box.read(opened):
                    raise BadItem(opened, "opening")
        for name, what in self.what.items():
            if what in ("sealed", "opened") and name not in used:
                raise BadItem(name, "not_announced")
        self.counts["openings"] = len(used) // 2
        absent = {each["media_id"]: each["absent"] for each in self.box.load("media.json")}
        for media_id in [each for each in self.media if f"media/{each}.sealed" not in used]:
            self.remarks.append(f"{media_id}: 事件提到而包内没有的影像 / named by an event and not enclosed ({absent.get(media_id)})")

    def _announced(self, sealed: str, opening: dict[str, Any]) -> None:
        if opening["origin"] == "centre":
            persons = self.box.load("finding.json")["vola_evid"]["psn_nos"]
            known = {f"enrolment-picture/1 {psn_no}" for psn_no in persons}
            if opening["purpose"] not in known or (opening["role"], opening["capture_id"]) != ("enrolment", None):
                raise BadItem(sealed, "not_announced")
            return
        named = self.media.get(opening["media_id"])
        if not named:
            raise BadItem(sealed, "not_announced")
        told = (opening["purpose"], opening["content_type"], opening["role"], self.box._place(sealed)[1])
        if not any(
            told == (f"capture-picture/1 {said['device']}", ref["content_type"], ref["role"], ref["size"])
            and self._belongs(said, opening["capture_id"])
            for said, ref in named
        ):
            raise BadItem(sealed, "wrong_media")

    def _belongs(self, said: dict[str, Any], capture_id: str) -> bool:
        """A picture is of the capture whose event names it; film besides of the capture of its msgid."""
        if capture_id == "{device}:{epoch}:{seq}".format(**said):
            return True
        shown = {each["capture_id"]: each["msgid"] for each in self.box.load("captures.json")}
        return said["kind"] == "footage" and said["msgid"] is not None and shown.get(capture_id) == said["msgid"]

    def _custody(self) -> None:
        """Each entry is the one that its hash names, and points to the one before it where that is enclosed."""
        self.entries, self.decisions, before = [], dict[str, dict[str, Any]](), dict[int, str]()
        for number, entry in enumerate(self.box.load("custody.json")["entries"]):
            item = f"custody.json#{number}"
            with about(item):
                content = canonical({name: entry[name] for name in ("action", "actor", "at", "detail", "object", "prev")})
                if hashlib.sha256(content).hexdigest() != entry["sha256"]:
                    raise BadItem(item, "entry")
                if before.get(entry["audit_id"] - 1, entry["prev"]) != entry["prev"]:
                    raise BadItem(item, "chain")
                before[entry["audit_id"]] = entry["sha256"]
                self.entries.append(content)
                if entry["action"] in DECISIONS and entry["object"] == self.manifest["jr_id"]:
                    self.decisions[item] = entry
        self.counts["custody"] = len(self.entries)

    def _marking(self) -> None:
        """Evidence is marked as unreviewed unless site and evidence were reviewed legally and technically, by two people."""
        reviews, standings = self.box.load("reviews.json"), self.box.load("site.json")["standing_when_seen"]
        missing, newest = set(reviews["marking"]["missing"]), {each["kind"]: each for each in reviews["stamps"]}
        needed = set() if standings else {"no_capture"}
        for kind in ("legal", "technical"):
            needed |= {f"site_{kind}" for each in standings if each[kind] is None}
            needed |= {f"stamp_{kind}"} if kind not in newest else set()
            needed |= {f"failed_{kind}"} if kind in newest and newest[kind]["result"] != "passed" else set()
        shown, same = self.manifest["marking"], len({each["account"] for each in newest.values()}) < len(newest)
        if not needed <= missing or same or shown["missing"] != reviews["marking"]["missing"] or shown["reviewed"] != (not missing):
            raise BadItem("reviews.json", "marking")

    def _reviews(self) -> None:
        """Where a stamp that counts covers something else than what is enclosed, the marking says so."""
        reviews, now = self.box.load("reviews.json"), self._covered()
        for stamp in {each["kind"]: each for each in reviews["stamps"]}.values():
            changed = stamp["result"] == "passed" and stamp["covers"] != now
            if changed and f"changed_{stamp['kind']}" not in reviews["marking"]["missing"]:
                raise BadItem("reviews.json", "marking")

    def _covered(self) -> str:
        """The digest of what a stamp is about: the finding, its pictures, and each settlement as it was claimed."""
        finding, claims = self.box.load("finding.json"), self.box.load("claims.json")
        seen = [
            [each["capture_id"], sorted(one["media_id"] for one in each["media"] if not one["erased"])]
            for each in self.box.load("captures.json")
        ]
        rows = [[each["settlement"][name] for name in SETTLEMENT] for each in claims if each["settlement"] is not None]
        billed = [hashlib.sha256(json.dumps(row, ensure_ascii=False).encode()).hexdigest() for row in rows]
        said = {name: finding[name] for name in COVERED}
        return hashlib.sha256(canonical({**said, "seen": seen, "billed": billed})).hexdigest()

    def _proofs(self) -> None:
        """Each proof leads from what the package holds to a checkpoint that the log, and each named witness, has signed."""
        keys = self.box.load("keys.json")["log"]
        origin, public = key_of(keys["vkey"])
        witnesses = {name: unbase64url(key) for name, key in keys["witnesses"].items()}
        self.witness_pins = dict(pin.partition("=")[::2] for pin in self.pins.witness_key)
        _pinned("keys.json", public, self.pins.log_key, witnesses, self.witness_pins)
        proved, roots = set[str](), dict[int, bytes]()
        events = [name for name, what in self.what.items() if what == "event"]
        evidence = ["finding.stated.json", *events, *self.decisions]
        for name in [name for name, what in self.what.items() if what == "proof"]:
            proof = self.box.load(name)
            with about(name):
                size, root, cosigned = open_note(name, proof["checkpoint"], (origin or "", public), witnesses)
                if roots.setdefault(size, root) != root or size != proof["size"]:
                    raise BadItem(name, "checkpoint", "two checkpoints of one size differ, or it is of another size")
                for pin in self.witness_pins:
                    if pin not in cosigned and proof["of"] in evidence:
                        raise BadItem(name, "cosignature", NOT_YET.format(pin))
                    if pin not in cosigned:
                        self.remarks.append(f"{name}: {pin} 尚未副署 / has not signed it yet")
                self._proof(name, proof, root)
                proved.add(proof["of"])
        for item in evidence:
            if item not in proved:
                if self.pins.log_key is not None:
                    raise BadItem(item, "proof", UNPROVED)
                self.remarks.append(f"{item}: 尚无透明日志证明 / no proof of the log is enclosed")
        self.counts["proofs"] = len(proved)

    def _proof(self, name: str, proof: dict[str, Any], root: bytes) -> None:
        of, data = proof["of"], proof["leaf"].encode()
        leaf = read_leaf(data)
        if of.startswith("custody.json#"):
            content = self.entries[int(of.partition("#")[2])]
            kind, ref = "audit", hashlib.sha256(content).hexdigest()
        elif of == "finding.stated.json":
            content, kind, ref = self.box.read(of), "finding", proof["ref"]
            if ref.partition("#")[0] != self.manifest["jr_id"]:
                raise BadItem(name, "proof", "it is of another finding")
        else:
            content, kind = self.box.read(of), "event"
            ref = "/".join(of[len("events/") : -len(".jws")].rsplit("-", 2))
            received = next(each["received_at"] for each in self.box.load("events.json") if each["member"] == of)
            if moment(leaf["at"]) != moment(received):
                raise BadItem(name, "contradicts", "events.json")
        if (proof["kind"], leaf["kind"], proof["ref"]) != (kind, kind, ref):
            raise BadItem(name, "proof", "it is of something else")
        if proof["salt"] is None or not commits(leaf, proof["salt"], content):
            raise BadItem(name, "proof", f"the leaf does not commit to {of}")
        if root_of_path(leaf_hash(data), proof["index"], proof["size"], [bytes.fromhex(each) for each in proof["path"]]) != root:
            raise BadItem(name, "proof", "the path does not lead to the root of the checkpoint")

    def _agree(self) -> None:
        """What the readable documents say is what was signed, logged, and written down when it was done."""
        finding, stated = self.box.load("finding.json"), self.box.load("finding.stated.json")
        if any(finding[name] != value for name, value in stated.items()):
            raise BadItem("finding.json", "contradicts", "finding.stated.json")
        if finding["jr_id"] != self.manifest["jr_id"]:
            raise BadItem("finding.json", "contradicts", MANIFEST)
        done = [(each["action"], each["actor"], each["at"], each["detail"]) for each in self.decisions.values()]
        reviews = [(each["account"], each["at"], each["verdict"]) for each in finding["reviews"]]
        decided = [(actor, at, detail["verdict"]) for action, actor, at, detail in done if action == "finding.review"]
        status = [detail["status"] for action, _, _, detail in done if action == "finding.review"]
        undecided = "open" if finding["withdrawn_at"] is None else "withdrawn"
        if reviews != decided or finding["status"] != (status[-1] if status else undecided):
            raise BadItem("finding.json", "contradicts", "custody.json")
        stamped = [(actor, at, detail) for action, actor, at, detail in done if action == "evidence.stamp"]
        told = ("kind", "result", "reason", "covers")
        stamps = self.box.load("reviews.json")["stamps"]
        if [(each["account"], each["at"], {name: each[name] for name in told}) for each in stamps] != stamped:
            raise BadItem("reviews.json", "contradicts", "custody.json")
        listed = {"{device_id}:{epoch}:{seq}".format(**each) for each in self.box.load("events.json")}
        for capture in self.box.load("captures.json"):
            self._agrees(capture, listed)
        shown = {each["capture_id"] for each in self.box.load("captures.json")}
        for name in sorted(set(finding["vola_evid"]["capture_ids"]) - shown):
            self.remarks.append(f"{name}: 疑点所依据而包内没有的采集 / the finding rests on it and it is not enclosed")

    def _agrees(self, capture: dict[str, Any], listed: set[str]) -> None:
        """A capture says what its event says; what came later, what another event about it says."""
        name = f"events/{capture['capture_id'].replace(':', '-')}.jws"
        if capture["capture_id"] not in listed:
            raise BadItem(name, "missing")
        said = self.said.get(name, capture)
        times = any(moment(capture[field]) != moment(said[field]) for field in ("opened_at", "closed_at"))
        if times or any(capture[field] != said[field] for field in SAID) or capture["capture_id"].rsplit(":", 2)[0] != capture["device_id"]:
            raise BadItem("captures.json", "contradicts", name)
        same = [each for each in self.said.values() if each.get("msgid") == capture["msgid"]]
        bound = {each["setl_id"] for each in same if each["kind"] == "binding"}
        checked = {(each["opter"], each["reason"], each["proxy_psn_no"]) for each in same if each["kind"] == "manual_check"}
        by_hand = (capture["opter"], capture["manual_reason"], capture["manual_proxy"])
        if capture["setl_id"] not in (bound or {None}) or by_hand not in (checked or {(None, None, None)}):
            raise BadItem("captures.json", "contradicts", "events.json")


def _same_key(pin: str, public: bytes) -> bool:
    try:
        return key_of(pin)[1] == public
    except ValueError:
        return False


def _certificate(box: Box, name: str) -> x509.Certificate:
    with about(name):
        return x509.load_pem_x509_certificate(box.read(name))


def _require_issued(name: str, found: x509.Certificate, authority: x509.Certificate, device: str) -> None:
    with about(name):
        issuer, algorithm = authority.public_key(), found.signature_hash_algorithm
        names = [str(each.value) for each in found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
        if found.issuer != authority.subject or names != [device] or not isinstance(issuer, EllipticCurvePublicKey) or algorithm is None:
            raise BadItem(name, "foreign_certificate")
        try:
            issuer.verify(found.signature, found.tbs_certificate_bytes, ECDSA(algorithm))
        except InvalidSignature:
            raise BadItem(name, "foreign_certificate") from None


def _period(found: x509.Certificate) -> tuple[datetime, datetime]:
    """The names of `cryptography` before and since version 42."""
    since = getattr(found, "not_valid_before_utc", None) or found.not_valid_before.replace(tzinfo=timezone.utc)
    until = getattr(found, "not_valid_after_utc", None) or found.not_valid_after.replace(tzinfo=timezone.utc)
    return since, until


def verify_package(path: str, pins: argparse.Namespace | None = None) -> dict[str, Any]:
    """Check everything that a package holds. Raises BadItem for the first bad item."""
    box = Box(path)
    try:
        return Package(box, pins or _parser().parse_args([path])).check()
    finally:
        box.close()


# ---- the command


def verify(path: str, pins: argparse.Namespace) -> dict[str, Any]:
    """A package, or an export of the log."""
    box = Box(path)
    box.close()
    if "leaves.jsonl" not in box.places:
        return verify_package(path, pins)
    witnesses = dict(pin.partition("=")[::2] for pin in pins.witness_key)
    return verify_log(path, pins.log_key, witnesses, pins.known_checkpoint)


def report(path: str, found: dict[str, Any]) -> Iterator[str]:
    """What was found, for people, in Chinese and English."""
    yield f"通过 / HOLDS  {path}"
    if found["kind"] == "log":
        yield f"  叶子 / leaves: {found['leaves']}; 审计条目 / audit entries: {found['audit_entries']}"
        yield f"  副署 / co-signed by: {', '.join(found['cosigned_by']) or '-'}"
    else:
        yield f"  证据包 / package: {found['package']}; 疑点 / finding: {found['jr_id']}"
        yield f"  导出 / exported: {found['exported_at']} {found['exported_by']}; 用途 / purpose: {found['purpose']}"
        yield f"  中心密钥 / centre's key: {found['centre']}"
        yield f"  核验项 / checked: {', '.join(f'{name} {count}' for name, count in found['checked'].items())}"
        if not found["marking"]["reviewed"]:
            yield f"  注意 / NOTE: {UNREVIEWED}"
            yield f"  not reviewed legally and technically, no ground for a penalty: {', '.join(found['marking']['missing'])}"
    if not any(found["pinned"].values()):
        yield "  注意 / NOTE: 未提供外部密钥，只证明文件自身完整一致；请从别处取得密钥后用 --centre-key、--log-key 再核"
        yield "  no key from elsewhere was handed in: this shows that it is whole, not who made it (--centre-key, --log-key)"
    yield from (f"  备注 / remark: {remark}" for remark in found["remarks"])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="核验证据包或透明日志导出 / check an evidence package or an export of the transparency log"
    )
    parser.add_argument("package", help="证据包或日志导出文件 / the package, or the export of a log")
    parser.add_argument(
        "--centre-key", help="中心公钥或其指纹 / the centre's public key (base64url) or its thumbprint, known from elsewhere"
    )
    parser.add_argument("--log-key", help="日志公钥 / the log's public key, base64 or name+hash+base64")
    parser.add_argument(
        "--witness-key", action="append", default=[], metavar="NAME=KEY", help="见证方公钥 / a witness's key; can be repeated"
    )
    parser.add_argument(
        "--known-checkpoint", metavar="FILE", help="已知检查点 / a checkpoint held elsewhere: finds a tail that was cut off"
    )
    parser.add_argument("--json", action="store_true", help="以 JSON 输出 / print the result as JSON")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Print what was found; the exit code."""
    parser = _parser()
    given = parser.parse_args(arguments)
    try:
        for key in [given.log_key, *(pin.partition("=")[2] for pin in given.witness_key)]:
            key_of(key) if key is not None else None
    except ValueError as error:
        parser.error(f"a key that was handed in cannot be read: {error}")
    try:
        found: dict[str, Any] = {"holds": True, **verify(given.package, given)}
    except BadItem as bad:
        found = {"holds": False, "item": bad.item, "code": bad.code, "why": bad.en, "why_zh": bad.zh}
    except (OSError, UnicodeDecodeError, ValueError) as error:
        found = {"holds": False, "item": given.package, "code": "not_a_zip", "why": str(error), "why_zh": "无法读取"}
    if given.json:
        print(json.dumps(found, ensure_ascii=False, indent=1, sort_keys=True))
    elif found["holds"]:
        print("\n".join(report(given.package, found)))
    else:
        print(
            f"不通过 / DOES NOT HOLD  {given.package}\n  首个问题 / first bad item: {found['item']}\n  {found['why_zh']} / {found['why']}"
        )
    return 0 if found["holds"] else 2 if found["code"] == "not_a_zip" else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BrokenPipeError:  # who read the report has seen enough of it
        sys.stderr.close()
        sys.exit(1)
