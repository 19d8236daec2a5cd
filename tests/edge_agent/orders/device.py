"""An enrolled device through many starts, with its real files and stores, and a centre that orders; only how the program does is set."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from contract.commands import Configure, Revoke
from contract.events import EvidenceMode, Result, Software, parse_event
from contract.sealed import raw_public, verify
from contract.state import Problem
from edge_agent.chain import outbox
from edge_agent.chain.capture import Scribe
from edge_agent.chain.losses import Losses
from edge_agent.clock import Offset
from edge_agent.disk.stores import Opened, open_outbox
from edge_agent.disk.vault import OURS, Store
from edge_agent.orders.orders import SCHEMA, Orders
from edge_agent.orders.probation import Signs
from edge_agent.orders.standing import Standing, begin
from tests.edge_agent.building import DEVICE, SITE, Terminal
from tests.fakes import HandClock

REQUEST, OTHER = "1" * 32, "2" * 32
NEW = {"limits": {"same": 0.7}, "times": {"idle_fps": 4}}
PROBATION_S = 120


@dataclass(slots=True)
class Bird:
    """A canary that ran at once and finds what it is told to find."""

    fault: str | None = None
    late_s: float = 0.0
    runs: int = 0

    def run(self) -> None:
        self.late_s, self.runs = 0.0, self.runs + 1


class Device:
    """One terminal. `boot` starts its program as far as orders go; `second` is one turn of it."""

    def __init__(self, terminal: Terminal, disk: Store = OURS) -> None:
        self.terminal, self.clock, self.disk = terminal, HandClock(), disk
        self.problems: set[str] = set()
        self.connected = self.heard = self.idle = True
        self.wrong = "wrong"
        self.still: tuple[str, ...] = ()
        self.bird = Bird()
        self.boots = 0
        self.standing: Standing
        self.opened: Opened
        self.orders: Orders
        self.boot()

    @property
    def data(self) -> Path:
        return self.terminal.folder / "data"

    def boot(self) -> None:
        """Start, without an end before: as after a crash, unless `close` was called."""
        self.boots += 1
        self.standing = begin(self.terminal.settings_file, self.disk)
        losses = Losses(signer=self.terminal.signer, device=DEVICE, clock=self.clock)
        now = int(self.clock.now().timestamp())
        self.opened = open_outbox(self.data, outbox.SCHEMA + SCHEMA, now, losses, self.disk)
        software = Software(agent="0", detector="d", embedder="e", limits_sha256="a" * 64, settings_sha256=self.sha256)
        scribe = Scribe(
            signer=self.terminal.signer,
            device=DEVICE,
            fixmedins_code=SITE,
            centre_seal_key=raw_public(self.terminal.centre_seal_key.public_key()),
            mode=EvidenceMode.VERDICT_ONLY,
            software=software,
            clock=self.clock,
            offset=Offset(),
        )
        self.orders = Orders(
            standing=self.standing,
            settings_sha256=self.sha256,
            vault=self.opened.vault,
            outbox=self.opened.outbox,
            scribe=scribe,
            clock=self.clock,
        )

    def close(self) -> None:
        """End in good order."""
        self.opened.vault.close()

    def reboot(self) -> None:
        self.close()
        self.boot()

    @property
    def sha256(self) -> str:
        """Of the settings in force, as events name them."""
        return self.standing.settings.sha256()

    def configure(self, settings: Mapping[str, Mapping[str, Any]] = NEW, **changes: Any) -> Configure:
        fields = {
            "device": DEVICE,
            "at": self.clock.now(),
            "request": REQUEST,
            "valid_until": self.clock.now() + timedelta(days=1),
            "from_sha256": self.sha256,
            "settings": settings,
        }
        return Configure.model_validate(fields | changes)

    def revoke(self, **changes: Any) -> Revoke:
        until = self.clock.now() + timedelta(days=1)
        fields = {"device": DEVICE, "at": self.clock.now(), "request": OTHER, "valid_until": until, "why": "stolen"}
        return Revoke.model_validate(fields | changes)

    def take(self, command: Configure | Revoke) -> None:
        """As the inbox hands it over: verified, with the bytes that were."""
        self.orders.take(command, self.terminal.centre_signer.sign(command))

    def second(self) -> bool:
        """One turn; whether the program wants to start anew."""
        self.clock.pass_s(1)
        return self.orders.turn(self.signs())

    def live(self, seconds: int = 3 * PROBATION_S) -> None:
        """So many turns, with the new starts that they ask for."""
        for _ in range(seconds):
            if self.second():
                self.reboot()

    def signs(self) -> Signs:
        def problems() -> tuple[Problem, ...]:
            return tuple(Problem(check=code, detail=self.wrong) for code in sorted(self.problems))

        return Signs(
            problems=problems,
            connected=lambda: self.connected,
            heard=lambda: self.heard,
            still=lambda: self.still,
            canary=self.bird,
            idle=lambda: self.idle,
        )

    def results(self) -> list[Result]:
        """What the centre is told, each event once, in its order."""
        found = []
        for _, signed in self.opened.outbox.events_after(0, 100):
            event = parse_event(verify(signed, self.terminal.find_device_key, "event").payload)
            if isinstance(event, Result):  # a torn log brings others
                found.append(event)
        return found

    def told(self) -> list[tuple[str, str, str | None]]:
        return [(one.request, one.result, one.why) for one in self.results()]
