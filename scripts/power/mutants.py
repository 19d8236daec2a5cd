"""Small changes of the product, each of which must make some schedule fail; a change that none notices would show a needless line.

Not in the list, because something else makes up for them: the rollback journal in place of the log (as safe, only slower), and the epoch
noted before the outbox is made instead of after it (a number is skipped at worst).
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Mutant:
    """A change of one module; each text that is replaced stands there once."""

    name: str
    module: str
    changes: tuple[tuple[str, str], ...]

    @property
    def path(self) -> Path:
        """The module's file."""
        return ROOT / (self.module.replace(".", "/") + ".py")

    def mutated(self) -> str:
        """The changed source. Raises ValueError when the module has no such text any more."""
        source = self.path.read_text(encoding="utf-8")
        for old, new in self.changes:
            if source.count(old) != 1:
                raise ValueError(f"mutant {self.name}: {self.module} has {source.count(old)} times {old!r}")
            source = source.replace(old, new)
        return source


def _one(name: str, module: str, old: str, new: str) -> Mutant:
    return Mutant(name, f"edge_agent.{module}", ((old, new),))


_UNBOUND = "with self._vault.transaction():"
_NOTHING = "if True:"
_SINGLE = "db = self._vault._connection\n        if True:"
_SYNCED_ASIDE = "    disk.sync(path.parent)\n\n\ndef _check_log"

MUTANTS: Sequence[Mutant] = (
    _one("log not synced with each commit", "disk.vault", "PRAGMA synchronous = FULL", "PRAGMA synchronous = NORMAL"),
    _one("nothing synced by SQLite", "disk.vault", "PRAGMA synchronous = FULL", "PRAGMA synchronous = OFF"),
    _one("journal in memory", "disk.vault", "PRAGMA journal_mode = WAL", "PRAGMA journal_mode = MEMORY"),
    _one("no journal", "disk.vault", "PRAGMA journal_mode = WAL", "PRAGMA journal_mode = OFF"),
    Mutant(
        "every statement its own transaction",
        "edge_agent.disk.vault",
        (('self._connection.execute("BEGIN IMMEDIATE")', "pass"), ('self._connection.execute("COMMIT")', "pass")),
    ),
    Mutant(
        "a capture and the end of its session apart",
        "edge_agent.chain.books",
        (
            (
                f"            {_UNBOUND}\n                self._outbox.append(build, enclosed.media)",
                f"            {_NOTHING}\n                self._outbox.append(build, enclosed.media)",
            ),
        ),
    ),
    Mutant(
        "a binding and its event apart",
        "edge_agent.chain.books",
        ((f"        {_UNBOUND}\n            self._register.bind(bind)", f"        {_NOTHING}\n            self._register.bind(bind)"),),
    ),
    Mutant(
        "a reversal and its event apart",
        "edge_agent.chain.books",
        (
            (
                f"        {_UNBOUND}\n            if self._register.void(void.setl_id, at):",
                f"        {_NOTHING}\n            if self._register.void(void.setl_id, at):",
            ),
        ),
    ),
    Mutant(
        "an event and its number apart",
        "edge_agent.chain.outbox",
        (
            (
                "        with self._vault.transaction() as db:\n            last_seq, head = db",
                f"        {_SINGLE}\n            last_seq, head = db",
            ),
        ),
    ),
    Mutant(
        "deletion and receipt apart",
        "edge_agent.chain.outbox",
        (
            (
                "        with self._vault.transaction() as db:\n            moved = receipt.epoch",
                f"        {_SINGLE}\n            moved = receipt.epoch",
            ),
        ),
    ),
    _one("deletes beyond the receipt", "chain.outbox", "DELETE FROM events WHERE seq <= ?", "DELETE FROM events WHERE seq <= ? + 1"),
    _one("connections counted in memory", "chain.outbox", "connection = connection + 1", "connection = max(connection, 1)"),
    _one("epoch not noted", "disk.stores", "        note_epoch(note, outbox.epoch, disk)\n", "        pass\n"),
    _one(
        "epoch noted, not durably",
        "chain.outbox",
        "disk.write_durably(note, str(epoch).encode())",
        "disk.remove(note); disk.write(note, b'%d' % epoch)",
    ),
    _one("key not durable", "disk.vault", "disk.write_durably(copy, _with", "disk.remove(copy); disk.write(copy, _with"),
    _one(
        "a new key with each start",
        "disk.vault",
        "key = keys[0] if keys else",
        "key = keys[0] if False else",
    ),
    _one("small files not synced", "disk.disk", "        self.sync(partial)\n", ""),
    _one(
        "rename of small files not synced",
        "disk.disk",
        "        self.replace(partial, path)\n        self.sync(path.parent)\n",
        "        self.replace(partial, path)\n",
    ),
    Mutant(
        "small files replaced in place",
        "edge_agent.disk.disk",
        (
            ('partial = path.with_name(path.name + ".partial")', "partial = path"),
            ("        self.replace(partial, path)\n", ""),
        ),
    ),
    _one("folder not synced into the one above", "disk.disk", "            self.sync(each.parent)\n", ""),
    _one("setting aside not synced", "disk.vault", f"        {_SYNCED_ASIDE}", "\n\ndef _check_log"),
    _one("setting aside synced only at its end", "disk.vault", f"        {_SYNCED_ASIDE}", _SYNCED_ASIDE),
    _one("log set aside before its file", "disk.vault", "    for suffix in PARTS:\n", "    for suffix in reversed(PARTS):\n"),
    _one("half set aside not finished", "disk.vault", "    _finish_setting_aside(path, stamp, disk)\n    try", "    try"),
    _one("an earlier damaged file overwritten", "disk.vault", "    taken = set_asides(path, disk)\n", "    taken: list[Path] = []\n"),
    _one("a torn end passed over", "disk.vault", "    if log.torn and on_torn is not None:\n        on_torn()\n", ""),
    Mutant(
        "a torn end noted in memory only",
        "edge_agent.disk.stores",
        (
            ("    vault, aside = open_or_set_aside(", "    kept = list[int]()\n    vault, aside = open_or_set_aside("),
            ('disk.write_durably(torn, b"")', "kept.append(1)"),
            ("    if disk.exists(torn):\n", "    if kept:\n"),
        ),
    ),
    _one(
        "the note of a torn end removed first",
        "disk.stores",
        "        if aside is None:\n",
        "        disk.remove(torn)\n        disk.sync(folder)\n        if aside is None:\n",
    ),
    _one("losses not told", "disk.stores", "    salvage(path, key, disk, vault=vault, outbox=outbox, losses=losses, noted=noted)\n", ""),
    _one(
        "what was read is not committed with what was told",
        "disk.salvage",
        "with vault.transaction() as db:",
        "db = vault._connection\n            if True:",
    ),
    _one("a damaged file not marked as read", "disk.salvage", '        disk.write_durably(aside.with_name(aside.name + READ), b"")\n', ""),
    _one(
        "a damaged file marked before it is read",
        "disk.salvage",
        "        try:\n",
        '        disk.write_durably(aside.with_name(aside.name + READ), b"")\n        try:\n',
    ),
)


class _Loader(SourceFileLoader):
    """Compiles the changed source, whatever lies in caches."""

    def __init__(self, mutant: Mutant) -> None:
        super().__init__(mutant.module, str(mutant.path))
        self._mutant = mutant

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002
        return compile(self._mutant.mutated(), self.path, "exec")


class _Finder(MetaPathFinder):
    """Finds the changed module, and no other."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:  # noqa: ARG002
        if name != self._mutant.module:
            return None
        spec = PathFinder.find_spec(name, path)
        if spec is not None:
            spec.loader = _Loader(self._mutant)
        return spec


def install(name: str) -> None:
    """Let this process import the changed module; to be called before anything of the product is imported."""
    sys.meta_path.insert(0, _Finder(next(each for each in MUTANTS if each.name == name)))
