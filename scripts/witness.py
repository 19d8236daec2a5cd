#!/usr/bin/env python3
"""A witness for transparency logs (C2SP tlog-witness): co-signs that a log only ever grew, and never two histories of it.

For another organisation to run, on a machine of its own. This one file needs Python 3.11 and the package `cryptography`, nothing else.

    witness.py key --name witness.example.org --folder /var/lib/witness        make the key once, and print the verifier key
    witness.py serve --folder /var/lib/witness --log 'NAME+ID+KEY' --port 8810  co-sign what is consistent

The newest checkpoint of each log is on the disk, synced, before its co-signature leaves. A folder whose state was lost must be given a new
key: a witness that forgot what it saw would vouch for anything. Put a proxy with TLS before it.
"""

import argparse
import base64
import hashlib
import json
import os
import re
import signal
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

LOG, WITNESS = 1, 4
MAX_BODY = 64 * 1024
MAX_PROOF = 63
IDLE_S = 20.0
NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")
NAME = re.compile(r"[^\s+]{1,200}")


class Refused(Exception):
    """An answer other than a co-signature: the status that the specification gives, and what to say."""

    def __init__(self, status: int, text: str, content_type: str = "text/plain; charset=utf-8") -> None:
        """Keep the parts."""
        super().__init__(text)
        self.status, self.text, self.content_type = status, text, content_type


class Key:
    """A verifier key: name, type and raw Ed25519 key."""

    def __init__(self, name: str, kind: int, public: bytes) -> None:
        """Raises ValueError if the bytes are no key."""
        self.name, self.kind, self.public = name, kind, public
        self.verifier = Ed25519PublicKey.from_public_bytes(public)
        self.key_id = hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:4]

    def __str__(self) -> str:
        """name+id+key."""
        return f"{self.name}+{self.key_id.hex()}+{encoded(bytes([self.kind]) + self.public)}"

    @classmethod
    def parse(cls, text: str) -> "Key":
        """Undo str. Raises ValueError naming the text."""
        name, _, rest = text.partition("+")
        key_id, _, material = rest.partition("+")
        raw = decoded(material)
        if not NAME.fullmatch(name) or len(raw) != 33 or raw[0] != LOG:
            raise ValueError(f"{text!r} is not the verifier key of a log: name+id+key with an Ed25519 key")
        key = cls(name, raw[0], raw[1:])
        if key.key_id.hex() != key_id:
            raise ValueError(f"{text!r}: the id should be {key.key_id.hex()}; it was mistyped or cut")
        return key


class Witness:
    """What is known of each log, and the key that vouches for it."""

    def __init__(self, folder: Path, logs: list[Key]) -> None:
        """Read key and state. Raises ValueError naming what cannot be read: without its memory a witness must not sign."""
        held = json.loads((folder / "witness.json").read_text(encoding="utf-8"))
        self._private = Ed25519PrivateKey.from_private_bytes(decoded(held["private"]))
        self.key = Key(held["name"], WITNESS, raw_public(self._private))
        self._folder, self._logs, self._lock = folder, {key.name: key for key in logs}, Lock()
        if not (folder / "logs").is_dir():
            raise ValueError(f"{folder / 'logs'} is gone: this witness forgot what it saw, and needs a new folder and a new key")

    def add_checkpoint(self, body: str) -> str:
        """The line of the co-signature. Raises Refused as the specification says."""
        old, proof, note = parted(body)
        text, origin, size, root = checkpoint(note)
        key = self._logs.get(origin)
        if key is None:
            raise Refused(404, "this log is not known here\n")
        if not signed(note, text, key):
            raise Refused(403, "the log did not sign this checkpoint\n")
        if old > size:
            raise Refused(400, "the old size is larger than the new one\n")
        with self._lock:
            seen, seen_root = self._seen(origin)
            if old != seen:
                raise Refused(409, f"{seen}\n", "text/x.tlog.size")
            if old == size and seen and root != seen_root:
                raise Refused(409, f"{seen}\n", "text/x.tlog.size")
            if not consistent(old, size, seen_root, root, proof):
                raise Refused(422, "the new tree does not begin with the old one, or the proof does not show it\n")
            self._remember(origin, size, root, note)
        return self._line(text)

    def _line(self, text: str) -> str:
        at = int(time.time())
        signature = self._private.sign(f"cosignature/v1\ntime {at}\n{text}".encode())
        return f"\u2014 {self.key.name} {encoded(self.key.key_id + at.to_bytes(8, 'big') + signature)}\n"

    def _file(self, origin: str) -> Path:
        return self._folder / "logs" / f"{hashlib.sha256(origin.encode()).hexdigest()[:32]}.json"

    def _seen(self, origin: str) -> tuple[int, bytes]:
        try:
            held = json.loads(self._file(origin).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return 0, hashlib.sha256(b"").digest()
        return held["size"], bytes.fromhex(held["root"])

    def _remember(self, origin: str, size: int, root: bytes, note: str) -> None:
        write_whole(self._file(origin), json.dumps({"origin": origin, "size": size, "root": root.hex(), "note": note}))


def parted(body: str) -> tuple[int, list[bytes], str]:
    """Old size, proof and note of a request. Raises Refused."""
    head, empty, note = body.partition("\n\n")
    first, *lines = head.split("\n")
    proof = [decoded(line) for line in lines]
    if not empty or not first.startswith("old ") or not NUMBER.fullmatch(first[4:]) or len(proof) > MAX_PROOF:
        raise Refused(400, "a request is 'old SIZE', hashes, an empty line and a checkpoint\n")
    if any(len(hash) != 32 for hash in proof):
        raise Refused(400, "a line of the proof is no hash in base64\n")
    return int(first[4:]), proof, note


def checkpoint(note: str) -> tuple[str, str, int, bytes]:
    """The signed text of a note, its origin, size and root. Raises Refused."""
    text, empty, _ = note.partition("\n\n")
    parts = text.split("\n")
    if not empty or len(parts) < 3 or not NUMBER.fullmatch(parts[1]) or len(decoded(parts[2])) != 32 or not all(parts):
        raise Refused(400, "this is no checkpoint\n")
    return f"{text}\n", parts[0], int(parts[1]), decoded(parts[2])


def signed(note: str, text: str, key: Key) -> bool:
    """Whether one of the note's lines is a valid signature by this key; other lines are ignored."""
    for line in note.partition("\n\n")[2].splitlines():
        dash, _, rest = line.partition(" ")
        name, _, material = rest.partition(" ")
        raw = decoded(material)
        if (dash, name, raw[:4]) != ("\u2014", key.name, key.key_id):
            continue
        try:
            key.verifier.verify(raw[4:], text.encode())
        except InvalidSignature:
            continue
        return True
    return False


def consistent(first: int, second: int, first_root: bytes, second_root: bytes, proof: list[bytes]) -> bool:
    """RFC 9162, 2.1.4.2: whether the proof shows that the tree of `second` leaves begins with that of `first`."""
    if first == 0:
        return not proof and (second > 0 or second_root == hashlib.sha256(b"").digest())
    if first == second:
        return not proof and first_root == second_root
    path = [first_root, *proof] if first & (first - 1) == 0 else list(proof)
    if not path:
        return False
    number, last = first - 1, second - 1
    while number & 1:
        number, last = number >> 1, last >> 1
    old = new = path[0]
    for hash in path[1:]:
        if last == 0:
            return False
        if number & 1 or number == last:
            old, new = above(hash, old), above(hash, new)
            while number and not number & 1:
                number, last = number >> 1, last >> 1
        else:
            new = above(new, hash)
        number, last = number >> 1, last >> 1
    return last == 0 and old == first_root and new == second_root


def above(left: bytes, right: bytes) -> bytes:
    """The hash over two neighbours."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Handler(BaseHTTPRequestHandler):
    """One request at a time on each connection; nothing of a request is believed before it is checked."""

    protocol_version = "HTTP/1.1"
    timeout = IDLE_S
    witness: Witness

    def do_POST(self) -> None:
        """add-checkpoint."""
        try:
            if not self.path.endswith("/add-checkpoint"):
                raise Refused(404, "only add-checkpoint is answered here\n")
            length = self.headers.get("Content-Length", "")
            if not NUMBER.fullmatch(length) or int(length) > MAX_BODY:
                self.close_connection = True
                raise Refused(413, f"a request has a length, at most {MAX_BODY} bytes\n")
            self._answer(200, self.witness.add_checkpoint(self.rfile.read(int(length)).decode()), "text/plain; charset=utf-8")
        except Refused as refused:
            self._answer(refused.status, refused.text, refused.content_type)
        except UnicodeDecodeError:
            self._answer(400, "a request is UTF-8\n", "text/plain; charset=utf-8")
        except (OSError, ValueError, KeyError) as error:
            print(f"witness: not co-signed: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
            self._answer(500, "the witness cannot read or keep its state\n", "text/plain; charset=utf-8")

    def do_GET(self) -> None:
        """The verifier key, for whoever sets this witness up."""
        self._answer(200, f"{self.witness.key}\n", "text/plain; charset=utf-8")

    def log_message(self, format: str, *args: object) -> None:
        """One line a request, on stderr."""
        print(f"witness: {self.address_string()} {format % args}", file=sys.stderr, flush=True)

    def _answer(self, status: int, text: str, content_type: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def make_key(name: str, folder: Path) -> None:
    """Make a key and an empty memory, once. Raises ValueError where there is one already."""
    if not NAME.fullmatch(name):
        raise ValueError(f"name {name!r}: no spaces and no plus sign; usually an address of yours without https://")
    if (folder / "witness.json").exists():
        raise ValueError(f"{folder / 'witness.json'} exists already: a witness keeps its key and its memory together")
    (folder / "logs").mkdir(parents=True, mode=0o700)
    private = Ed25519PrivateKey.generate()
    raw = private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    write_whole(folder / "witness.json", json.dumps({"name": name, "private": encoded(raw)}))
    print(Key(name, WITNESS, raw_public(private)))


def serve(folder: Path, logs: list[str], host: str, port: int) -> None:
    """Answer until told to stop. Prints the address once it listens."""
    Handler.witness = Witness(folder, [Key.parse(each) for each in logs])
    server = ThreadingHTTPServer((host, port), Handler)
    server.daemon_threads = True
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: Thread(target=server.shutdown).start())
    print(f"witness {Handler.witness.key.name} on http://{host}:{server.server_address[1]}", flush=True)
    server.serve_forever()
    server.server_close()


def write_whole(path: Path, text: str) -> None:
    """Old or new after a loss of power, never half: written beside, synced, renamed, and the folder synced."""
    draft = path.with_name(f".{path.name}.part")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def raw_public(private: Ed25519PrivateKey) -> bytes:
    """The 32 bytes of the public half."""
    return private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def encoded(data: bytes) -> str:
    """Standard base64."""
    return base64.b64encode(data).decode()


def decoded(text: str) -> bytes:
    """Undo `encoded`; nothing for what is not exactly its form."""
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        return b""
    return data if encoded(data) == text else b""


def main() -> int:
    """Read the command line; 2 for what the user can mend."""
    parser = argparse.ArgumentParser(description="A witness for transparency logs (C2SP tlog-witness).")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, words in (("key", "make the key once, and print it"), ("serve", "co-sign")):
        command = commands.add_parser(name, help=words)
        command.add_argument("--folder", type=Path, required=True, help="key and memory; never copied, never shared")
    commands.choices["key"].add_argument("--name", required=True, help="an address of yours without https://")
    commands.choices["serve"].add_argument("--log", action="append", required=True, help="verifier key of a log; can be repeated")
    commands.choices["serve"].add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    commands.choices["serve"].add_argument("--port", type=int, default=8810, help="port (default: 8810); 0 takes a free one")
    said = parser.parse_args()
    try:
        make_key(said.name, said.folder) if said.command == "key" else serve(said.folder, said.log, said.host, said.port)
    except (ValueError, KeyError, OSError) as error:
        print(f"witness: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
