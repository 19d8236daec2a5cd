"""The command line for events that cannot be sent: look at them, and send them again. The agent may run meanwhile."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from contract.message import Message
from edge_agent.chain.losses import Losses
from edge_agent.chain.outbox import Outbox, Place
from edge_agent.clock import SystemClock
from edge_agent.disk.stores import NAME
from edge_agent.disk.vault import Vault, vault_key
from edge_agent.errors import AgentError
from edge_agent.keyring import KeyRing, load_keys
from edge_agent.sections.core import Files
from edge_agent.settings import Settings, load
from edge_agent.wiring import OUTBOX_SCHEMA

app = typer.Typer(no_args_is_help=True, help=__doc__)
SettingsFile = Annotated[Path, typer.Option(help="The terminal's settings (TOML).")]


class KeysOnDisk(KeyRing):
    """The keys as they lie there at each signature: the agent may change them while a command runs, and no old key may sign after that.

    It signs within a transaction of the outbox, and the agent changes them within one too, so neither comes between.
    """

    def __init__(self, files: Files) -> None:
        super().__init__(load_keys(files))
        self._files = files

    def sign(self, message: Message) -> bytes:
        """See `KeyRing`. Raises BadKey."""
        self.take(load_keys(self._files))
        return super().sign(message)


@app.command(name="list")
def show(settings: SettingsFile) -> None:
    """Number, epoch and reason of each event, one a line; nothing of what it says."""
    outbox, _ = _open(settings)
    held = outbox.apart.held()
    for item in held:
        typer.echo(f"{item.epoch}\t{item.seq}\t{item.why}")
    typer.echo(f"{len(held)} events in quarantine", err=True)


@app.command()
def replay(settings: SettingsFile) -> None:
    """Send again what this device's key did sign, under a new number; what it did not sign as it is stays. Fails if any stays."""
    outbox, losses = _open(settings)
    count = replay_all(outbox, losses)
    left = len(outbox.apart.held())
    typer.echo(f"{count} events will be sent again, {left} stay in quarantine")
    raise typer.Exit(int(left > 0))


def replay_all(outbox: Outbox, losses: Losses) -> int:
    """Append again what proves to be ours. Returns how many."""

    def again(signed: bytes) -> Callable[[Place], bytes] | None:
        event = losses.ours(signed)
        return None if event is None else lambda place: losses.again(event, place)

    return outbox.replay(again)


def _open(settings_file: Path) -> tuple[Outbox, Losses]:
    try:
        settings: Settings = load(settings_file)
        folder = settings.files.data_dir
        path = folder / NAME
        if not path.exists():
            raise FileNotFoundError(f"{path} is not there: this terminal never ran")
        vault = Vault.open(path, vault_key(folder / "vault.key"), OUTBOX_SCHEMA)
        ring = KeysOnDisk(settings.files)
        losses = Losses(signer=ring, device=settings.device_id, clock=SystemClock(), find_own=ring.find)
    except (AgentError, OSError) as error:
        typer.echo(f"{type(error).__name__}: {error}", err=True)
        raise typer.Exit(2) from None
    return Outbox(vault, new_epoch=1), losses
