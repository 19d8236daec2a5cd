"""Change an export of the transparency log in ten thousand ways and see whether a verifier that shares no code with us finds each.

    python -m scripts.log_mutations --mutations 10000 --seed 1

The log is made by the centre's own parts from signed events, findings and audit entries, and co-signed by two witnesses. The verifier,
`scripts/verify_evidence.py`, is given what an auditor holds: the log's key, the witnesses' keys, and one checkpoint from elsewhere. It
ends with 1 if one change was missed or the untouched export is refused.
"""

import importlib.util
import json
import sys
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Annotated, Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from central.transparency.model import canonical
from central.transparency.tree import Tree, grow, leaf_hash
from contract.checkpoints import Checkpoint, cosign, read, read_signatures, sign
from contract.sealed import raw_public
from scripts.logs.made import Made, make_log

VERIFIER = Path(__file__).with_name("verify_evidence.py")
ORDER = ("checkpoint", "keys.json", "leaves.jsonl", "audit.jsonl")


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """An export taken apart: members as lines, so that each can be changed by itself."""

    note: str
    keys: dict[str, Any]
    leaves: tuple[bytes, ...]
    audit: tuple[bytes, ...]

    def packed(self) -> bytes:
        """As `central log export` writes it."""
        keys = json.dumps(self.keys, sort_keys=True, separators=(",", ":")).encode()
        return zipped(zip(ORDER, (self.note.encode(), keys, _text(self.leaves), _text(self.audit)), strict=True))

    @classmethod
    def unpacked(cls, data: bytes) -> "Export":
        """Undo `packed`."""
        with ZipFile(BytesIO(data)) as archive:
            note, keys, leaves, audit = (archive.read(name) for name in ORDER)
        return cls(note=note.decode(), keys=json.loads(keys), leaves=tuple(leaves.splitlines()), audit=tuple(audit.splitlines()))


Change = Callable[[Random, Made, bytes, Export], bytes]


def zipped(members: Any, compression: int = ZIP_STORED) -> bytes:
    """A zip of (name, content) with nothing in it but these."""
    whole = BytesIO()
    with ZipFile(whole, "w", compression) as archive:
        for name, content in members:
            info = ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            info.create_system, info.external_attr, info.compress_type = 3, 0o644 << 16, compression
            archive.writestr(info, content)
    return whole.getvalue()


def flip_in_file(random: Random, _made: Made, data: bytes, _export: Export) -> bytes:
    """One bit anywhere in the file."""
    place = random.randrange(len(data))
    return data[:place] + bytes([data[place] ^ 1 << random.randrange(8)]) + data[place + 1 :]


def flip_in_member(random: Random, made: Made, data: bytes, _export: Export) -> bytes:
    """One bit of a member, in a zip whose sums fit."""
    with ZipFile(BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = random.choice(list(members))
    members[name] = flip_in_file(random, made, members[name], _export)
    return zipped(members.items())


def delete_leaf(random: Random, _made: Made, _data: bytes, export: Export) -> bytes:
    """One to five leaves out of anywhere."""
    place = random.randrange(len(export.leaves))
    return replace(export, leaves=export.leaves[:place] + export.leaves[place + random.randint(1, 5) :]).packed()


def insert_leaf(random: Random, _made: Made, _data: bytes, export: Export) -> bytes:
    """A leaf of the right form where there was none."""
    place, said = random.randrange(len(export.leaves) + 1), json.loads(random.choice(export.leaves))
    said["commitment"] = random.randbytes(32).hex()
    return replace(export, leaves=(*export.leaves[:place], _line(said), *export.leaves[place:])).packed()


def reorder_leaves(random: Random, _made: Made, _data: bytes, export: Export) -> bytes:
    """Two leaves change places."""
    return replace(export, leaves=_exchanged(random, export.leaves)).packed()


def replay_leaf(random: Random, _made: Made, _data: bytes, export: Export) -> bytes:
    """A leaf stands once more, in the place of another or between two."""
    place = random.randrange(len(export.leaves))
    other = random.choice([leaf for leaf in export.leaves if leaf != export.leaves[place]])
    rest = export.leaves[place + random.randrange(2) :]
    return replace(export, leaves=(*export.leaves[:place], other, *rest)).packed()


def change_leaf(random: Random, _made: Made, _data: bytes, export: Export) -> bytes:
    """What a leaf says: when, of what kind, or the commitment."""
    place = random.randrange(len(export.leaves))
    said = json.loads(export.leaves[place])
    name = random.choice(("at", "commitment", "kind"))
    other = {"at": said["at"].replace("2026", "2025"), "commitment": random.randbytes(32).hex()}
    said[name] = other.get(name, "finding" if said["kind"] != "finding" else "event")
    return replace(export, leaves=(*export.leaves[:place], _line(said), *export.leaves[place + 1 :])).packed()


def cut_tail(random: Random, _made: Made, _data: bytes, export: Export) -> bytes:
    """The newest leaves are gone; the checkpoint stands."""
    return replace(export, leaves=export.leaves[: -random.randint(1, len(export.leaves))]).packed()


def cut_tail_to_older_checkpoint(random: Random, made: Made, _data: bytes, export: Export) -> bytes:
    """The log ends at an earlier checkpoint that was really signed, with the audit log to match: only who holds a later one can tell."""
    note = random.choice(made.older)
    return _cut(export, note).packed()


def older_checkpoint(random: Random, made: Made, _data: bytes, export: Export) -> bytes:
    """All leaves under an earlier checkpoint."""
    return replace(export, note=random.choice(made.older), keys=export.keys | {"witnesses": {}}).packed()


def swap_salts(random: Random, _made: Made, _data: bytes, export: Export) -> bytes:
    """Two audit entries exchange their salts."""
    first, second = random.sample(range(len(export.audit)), 2)
    lines = [json.loads(line) for line in export.audit]
    lines[first]["salt"], lines[second]["salt"] = lines[second]["salt"], lines[first]["salt"]
    return replace(export, audit=tuple(_line(line) for line in lines)).packed()


def swap_places(random: Random, _made: Made, _data: bytes, export: Export) -> bytes:
    """Two audit entries exchange their places in the tree."""
    first, second = random.sample(range(len(export.audit)), 2)
    lines = [json.loads(line) for line in export.audit]
    lines[first]["index"], lines[second]["index"] = lines[second]["index"], lines[first]["index"]
    return replace(export, audit=tuple(_line(line) for line in lines)).packed()


def change_audit(random: Random, _made: Made, _data: bytes, export: Export) -> bytes:
    """An audit entry says something else, is gone, stands twice, or changes places with another; or the newest ones are gone."""
    place = random.randrange(len(export.audit))
    before, line, after = export.audit[:place], json.loads(export.audit[place]), export.audit[place + 1 :]
    line["entry"][random.choice(("actor", "object", "action"))] += "x"
    one = export.audit[place]
    ways = [(*before, _line(line), *after), before + after, (*before, one, one, *after), _exchanged(random, export.audit), before]
    return replace(export, audit=random.choice(ways)).packed()


def hide_audit_leaf(random: Random, _made: Made, _data: bytes, export: Export) -> bytes:
    """An audit entry denies its place, as if it had not been logged."""
    place = random.randrange(len(export.audit))
    line = json.loads(export.audit[place]) | {"index": None, "salt": None}
    return replace(export, audit=(*export.audit[:place], _line(line), *export.audit[place + 1 :])).packed()


def rewrite_audit(random: Random, _made: Made, _data: bytes, export: Export) -> bytes:
    """An entry says something else, the chain after it is mended, and every salt that would tell is kept back as if it had been erased."""
    place, prev, lines = random.randrange(len(export.audit)), "", [json.loads(line) for line in export.audit]
    lines[place]["entry"]["actor"] += "x"
    for line in lines[place:]:
        line["salt"], line["entry"]["prev"] = None, prev or line["entry"]["prev"]
        prev = sha256(canonical(line["entry"])).hexdigest()
    return replace(export, audit=tuple(_line(line) for line in lines)).packed()


def other_key(random: Random, _made: Made, _data: bytes, export: Export) -> bytes:
    """Somebody signs the same, or a changed, log with a key of their own and says that it is the log's."""
    private = Ed25519PrivateKey.generate()
    leaves = export.leaves if random.randrange(2) else Export.unpacked(change_leaf(random, _made, _data, export)).leaves
    note = sign(_checkpoint_of(read(export.note)[0].origin, leaves), private)
    keys = {"log": b64encode(raw_public(private.public_key())).decode(), "witnesses": {}}
    return replace(export, note=note, keys=keys, leaves=leaves).packed()


def signed_anew(random: Random, made: Made, _data: bytes, export: Export) -> bytes:
    """The log's owner rewrites history and signs it with the true key: found by the checkpoint that somebody else holds."""
    leaves = Export.unpacked(change_leaf(random, made, _data, export)).leaves
    note = sign(_checkpoint_of(read(export.note)[0].origin, leaves), made.keys.log_private)
    return replace(export, note=note, keys=export.keys | {"witnesses": {}}, leaves=leaves).packed()


def forged_cosignature(random: Random, made: Made, _data: bytes, export: Export) -> bytes:
    """A witness's line by another key, of another time, of another checkpoint, or of its own bytes but for one."""
    checkpoint, (own, *lines) = read(export.note)
    place = random.randrange(len(lines))
    line, at = lines[place], int.from_bytes(lines[place].signature[:8], "big")
    other = cosign(checkpoint, line.name, Ed25519PrivateKey.generate(), at)
    elsewhere = cosign(read(random.choice(made.older))[0], line.name, made.witness_key(line.name), at)
    flipped = bytearray(line.signature)
    flipped[random.randrange(len(flipped))] ^= 1 << random.randrange(8)
    forged = [
        replace(other, key_id=line.key_id),
        other,
        elsewhere,
        replace(line, signature=(at + random.randint(1, 9999)).to_bytes(8, "big") + line.signature[8:]),
        replace(line, signature=bytes(flipped)),
    ]
    lines[place] = random.choice(forged)
    return replace(export, note=checkpoint.body + "\n" + own.line + "".join(each.line for each in lines)).packed()


def lines_of_note(random: Random, _made: Made, _data: bytes, export: Export) -> bytes:
    """Lines of signatures are gone, stand twice or in another order, or somebody unknown has signed too."""
    body, _, rest = export.note.partition("\n\n")
    lines = [each.line for each in read_signatures(rest)]
    unknown = cosign(read(export.note)[0], "unknown.example", Ed25519PrivateKey.generate(), 1_790_000_000).line
    gone = random.randrange(len(lines))
    ways = [lines[:gone] + lines[gone + 1 :], [*lines, random.choice(lines)], [*lines, unknown]]
    return replace(export, note=f"{body}\n\n{''.join(random.choice(ways))}").packed()


def change_note(random: Random, _made: Made, _data: bytes, export: Export) -> bytes:
    """Another origin, size or root under the same signatures."""
    checkpoint, _ = read(export.note)
    ways = [
        replace(checkpoint, origin=checkpoint.origin + "x"),
        replace(checkpoint, size=checkpoint.size + random.choice((-1, 1, 256))),
        replace(checkpoint, root=random.randbytes(32)),
    ]
    return replace(export, note=random.choice(ways).body + "\n" + export.note.partition("\n\n")[2]).packed()


def truncate(random: Random, _made: Made, data: bytes, _export: Export) -> bytes:
    """The file ends early, goes on, or begins late."""
    place = random.randrange(1, len(data))
    return random.choice((data[:place], data + random.randbytes(random.randint(1, 99)), data[place:], random.randbytes(9) + data))


def members(random: Random, _made: Made, data: bytes, _export: Export) -> bytes:
    """A member is gone, stands twice, under another name, beside an unknown one, in another order, or compressed."""
    with ZipFile(BytesIO(data)) as archive:
        found = [(name, archive.read(name)) for name in archive.namelist()]
    place = random.randrange(len(found) - 1)  # without the last one it is an export without audit log, and whole
    one = found[place]
    ways = [
        found[:place] + found[place + 1 :],
        [*found, ("notes.txt", b"x")],
        [*found[:place], (one[0] + "x", one[1]), *found[place + 1 :]],
        [*found[1:], found[0]],
    ]
    choice = random.randrange(len(ways) + 1)
    return zipped(found, ZIP_DEFLATED) if choice == len(ways) else zipped(ways[choice])


CHANGES: tuple[Change, ...] = (
    *(flip_in_file, flip_in_file, flip_in_member, flip_in_member, delete_leaf, insert_leaf, reorder_leaves, replay_leaf, change_leaf),
    *(cut_tail, cut_tail_to_older_checkpoint, older_checkpoint, swap_salts, swap_places, change_audit, hide_audit_leaf, rewrite_audit),
    *(other_key, signed_anew, forged_cosignature, lines_of_note, change_note, truncate, members),
)


def main(
    mutations: Annotated[int, typer.Option(min=1, help="Changes to try, all kinds in turn.")] = 10_000,
    seed: Annotated[int, typer.Option(min=0, help="Equal seeds choose equal places.")] = 1,
    leaves: Annotated[int, typer.Option(min=20, help="Events in the log; findings and audit entries come besides.")] = 300,
) -> None:
    """Change an export of the log in very many ways, and count by kind what the verifier found and missed."""
    with TemporaryDirectory(prefix="log-") as folder:
        made = make_log(Path(folder), leaves, seed)
        verify = Verifier(made, Path(folder))
        data = made.export.read_bytes()
        if (why := verify(data)) is not None:
            typer.echo(f"the untouched export is refused: {why}", err=True)
            raise typer.Exit(1)
        begun = time.perf_counter()
        found, missed = run(made, data, verify, mutations, seed)
        for name in dict.fromkeys(change.__name__ for change in CHANGES):
            typer.echo(f"{name:32} found {found[name]:5}   missed {missed[name]:5}")
        taken = time.perf_counter() - begun
        typer.echo(f"{found.total()} of {mutations} mutations found, {taken:.0f} s, {len(data)} bytes, seed {seed}; untouched: whole")
        raise typer.Exit(1 if missed.total() else 0)


def run(made: Made, data: bytes, verify: Callable[[bytes], str | None], mutations: int, seed: int) -> tuple[Counter[str], Counter[str]]:
    """(found, missed) by the name of the change."""
    random, export = Random(seed), Export.unpacked(data)  # noqa: S311 - to repeat a run
    found, missed = Counter[str](), Counter[str]()
    for number in range(mutations):
        change = CHANGES[number % len(CHANGES)]
        changed = change(random, made, data, export)
        while changed == data:
            changed = change(random, made, data, export)
        (missed if verify(changed) is None else found)[change.__name__] += 1
        if number % 500 == 499:
            typer.echo(f"{number + 1} of {mutations}", err=True)
    return found, missed


class Verifier:
    """The single file, loaded by its path as a stranger would run it."""

    def __init__(self, made: Made, folder: Path) -> None:
        """`made` says what an auditor holds; `folder` takes the changed files."""
        spec = importlib.util.spec_from_file_location("verify_evidence", VERIFIER)
        assert spec is not None and spec.loader is not None  # noqa: S101 - the file is ours
        self._module = importlib.util.module_from_spec(spec)
        sys.modules["verify_evidence"] = self._module
        spec.loader.exec_module(self._module)
        self._path, known = folder / "changed.zip", folder / "known"
        known.write_text(made.known, encoding="utf-8")
        witnesses = {name: b64encode(raw_public(key.public_key())).decode() for name, key in made.witnesses.items()}
        self._held = {
            "log_key": b64encode(made.keys.log_public).decode(),
            "witness_keys": witnesses,
            "known_checkpoint": str(known),
        }

    def __call__(self, data: bytes) -> str | None:
        """What is wrong with this export; None if nothing was found. An error that the verifier does not name counts as not found."""
        self._path.write_bytes(data)
        try:
            self._module.verify_log(str(self._path), **self._held)
        except self._module.BadItem as error:
            return str(error) or "refused"
        return None


def _cut(export: Export, note: str) -> Export:
    size = read(note)[0].size
    lines = [json.loads(line) for line in export.audit]
    kept = tuple(_line(line) for line in lines if line["index"] is not None and line["index"] < size)
    return replace(export, note=note, keys=export.keys | {"witnesses": {}}, leaves=export.leaves[:size], audit=kept)


def _checkpoint_of(origin: str, leaves: tuple[bytes, ...]) -> Checkpoint:
    tiles = grow(0, [leaf_hash(leaf) for leaf in leaves], lambda _level, _number: b"")
    return Checkpoint(origin=origin, size=len(leaves), root=Tree(lambda level, number: tiles.get((level, number), b"")).root(len(leaves)))


def _exchanged(random: Random, lines: tuple[bytes, ...]) -> tuple[bytes, ...]:
    first, second = random.sample(range(len(lines)), 2)
    changed = list(lines)
    changed[first], changed[second] = changed[second], changed[first]
    return tuple(changed)


def _text(lines: tuple[bytes, ...]) -> bytes:
    return b"".join(line + b"\n" for line in lines)


def _line(said: Any) -> bytes:
    return json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


if __name__ == "__main__":
    typer.run(main)
