"""The encrypted store: one key, one transaction at a time, and what happens to damaged files."""

from pathlib import Path
from threading import Thread

import pytest

from edge_agent.disk.vault import KEY_BYTES, Vault, open_or_set_aside, vault_key
from edge_agent.errors import BadKey, VaultDamaged, VaultError, VaultFull

SCHEMA = "CREATE TABLE IF NOT EXISTS notes (text TEXT NOT NULL);"
KEY = b"k" * KEY_BYTES


def notes(vault: Vault) -> list[str]:
    with vault.transaction() as db:
        return [row[0] for row in db.execute("SELECT text FROM notes ORDER BY rowid")]


def write(vault: Vault, text: str) -> None:
    with vault.transaction() as db:
        db.execute("INSERT INTO notes VALUES (?)", (text,))


def test_what_was_committed_is_there_without_a_close(tmp_path: Path) -> None:
    first = Vault.open(tmp_path / "a.db", KEY, SCHEMA)
    write(first, "one")
    assert notes(Vault.open(tmp_path / "a.db", KEY, SCHEMA)) == ["one"]


def test_nothing_lies_in_clear(tmp_path: Path) -> None:
    vault = Vault.open(tmp_path / "a.db", KEY, SCHEMA)
    write(vault, "CANARY-7391")
    assert all(b"CANARY" not in path.read_bytes() and b"notes" not in path.read_bytes() for path in tmp_path.iterdir())


def test_an_exception_undoes_everything() -> None:
    vault = Vault.in_memory(SCHEMA)
    with pytest.raises(RuntimeError, match="no"), vault.transaction():
        write(vault, "inner")
        raise RuntimeError("no")
    assert notes(vault) == []


def test_inner_blocks_are_part_of_the_outer() -> None:
    vault = Vault.in_memory(SCHEMA)
    with vault.transaction():
        write(vault, "one")
        write(vault, "two")
    assert notes(vault) == ["one", "two"]


def test_threads_take_turns() -> None:
    vault = Vault.in_memory(SCHEMA)
    threads = [Thread(target=lambda: [write(vault, "x") for _ in range(50)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(notes(vault)) == 200


def test_a_full_disk_keeps_what_was_there(tmp_path: Path) -> None:
    vault = Vault.open(tmp_path / "a.db", KEY, SCHEMA)
    write(vault, "kept")
    with vault.transaction() as db:
        pages = db.execute("PRAGMA page_count").fetchone()[0]
        db.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(VaultFull, match="no room"):
        write(vault, "x" * 100_000)
    write(vault, "small")
    assert notes(vault) == ["kept", "small"]


def test_another_key_is_refused(tmp_path: Path) -> None:
    write(Vault.open(tmp_path / "a.db", KEY, SCHEMA), "one")
    with pytest.raises(VaultDamaged, match="another key"):
        Vault.open(tmp_path / "a.db", b"x" * KEY_BYTES, SCHEMA)


def test_a_missing_folder_is_no_damage(tmp_path: Path) -> None:
    with pytest.raises(VaultError) as caught:
        Vault.open(tmp_path / "none" / "a.db", KEY, SCHEMA)
    assert not isinstance(caught.value, VaultDamaged)


@pytest.mark.parametrize("at", [0, 100, 5000, -200])
def test_a_damaged_file_is_set_aside_and_kept(tmp_path: Path, at: int) -> None:
    path = tmp_path / "a.db"
    vault = Vault.open(path, KEY, SCHEMA)
    for _ in range(40):
        write(vault, "x" * 500)
    vault.close()
    data = bytearray(path.read_bytes())
    data[at] ^= 0xFF
    path.write_bytes(data)
    fresh, aside = open_or_set_aside(path, KEY, SCHEMA, 77)
    assert aside == tmp_path / "a.db.damaged-77"
    assert aside.read_bytes() == bytes(data)
    assert notes(fresh) == []


def test_a_whole_file_is_not_set_aside(tmp_path: Path) -> None:
    write(Vault.open(tmp_path / "a.db", KEY, SCHEMA), "one")
    vault, aside = open_or_set_aside(tmp_path / "a.db", KEY, SCHEMA, 77)
    assert aside is None
    assert notes(vault) == ["one"]


def test_the_key_is_made_once_and_private(tmp_path: Path) -> None:
    path = tmp_path / "data" / "vault.key"
    key = vault_key(path)
    assert len(key) == KEY_BYTES
    assert path.stat().st_mode & 0o777 == 0o600
    assert vault_key(path) == key


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "vault.key"
    vault_key(path)
    path.chmod(0o644)
    with pytest.raises(BadKey, match="chmod 600"):
        vault_key(path)


@pytest.mark.parametrize("name", ["vault.key", "vault.key.spare"])
@pytest.mark.parametrize("damage", [b"", b"short", b"x" * 40, None])
def test_one_damaged_or_missing_copy_of_the_key_costs_nothing(tmp_path: Path, name: str, damage: bytes | None) -> None:
    path = tmp_path / "vault.key"
    key = vault_key(path)
    if damage is None:
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_bytes(damage)
    assert vault_key(path) == key
    assert path.read_bytes() == (tmp_path / "vault.key.spare").read_bytes()
    assert (tmp_path / name).stat().st_mode & 0o777 == 0o600


def test_a_key_that_is_damaged_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "vault.key"
    vault_key(path)
    for each in (path, tmp_path / "vault.key.spare"):
        each.write_bytes(b"y" * 40)
    with pytest.raises(BadKey, match="restore one of them"):
        vault_key(path)
