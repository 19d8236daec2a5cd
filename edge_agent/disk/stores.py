"""Open the outbox with everything that belongs to it, in the order that loses nothing, on a disk that may have lost power at any moment."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edge_agent.chain.losses import Losses
from edge_agent.chain.outbox import Outbox, last_epoch, next_epoch, note_epoch
from edge_agent.disk.salvage import salvage, salvage_pictures
from edge_agent.disk.vault import OURS, Store, Vault, open_or_set_aside, vault_key

NAME = "outbox.db"
TORN = NAME + ".torn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """The outbox, the vault that holds it, the key of this device's vaults, and where a damaged file was moved to at this start.

    `pictures` brings what is left to salvage, some with each step; to be taken to its end, in any thread.
    """

    vault: Vault
    outbox: Outbox
    key: bytes
    set_aside: Path | None
    pictures: Iterator[int]


def open_outbox(folder: Path, schema: str, now: int, losses: Losses, disk: Store = OURS) -> Opened:
    """Open or make what lies in `folder`. A damaged outbox is moved away, and what can be read of it goes on in a new epoch.

    Where the log is torn it may have held an event that the centre has, or that nobody has any more: its number is given to no other one.
    The epoch is noted last: nothing is sent before this returns. Raises BadKey or VaultError.
    """
    disk.make_folder(folder)
    key = vault_key(folder / "vault.key", disk)
    path, note, torn = folder / NAME, folder / "epoch", folder / TORN
    noted = last_epoch(note, disk)
    vault, aside = open_or_set_aside(path, key, schema, now, disk, lambda: disk.write_durably(torn, b""))
    outbox = Outbox(vault, new_epoch=next_epoch(note, now, disk))
    salvage(path, key, disk, vault=vault, outbox=outbox, losses=losses, noted=noted)
    if disk.exists(torn):
        if aside is None:
            outbox.skip(losses.loss)
        disk.remove(torn)
        disk.sync(folder)
    if noted != outbox.epoch:
        note_epoch(note, outbox.epoch, disk)
    pictures = salvage_pictures(path, key, disk, vault=vault, outbox=outbox)
    return Opened(vault=vault, outbox=outbox, key=key, set_aside=aside, pictures=pictures)
