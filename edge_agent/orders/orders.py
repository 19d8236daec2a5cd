"""Take orders of the centre, try them when nobody is being served, and tell once what became of each.

Nothing here starts the program anew: `turn` says when that is due, and whoever runs the program does it. What an order is worth is decided
by `allowed` and by the settings themselves, whether it stays by `probation`.
"""

from threading import RLock

import structlog

from contract.commands import Configure, Revoke
from edge_agent.chain.capture import Scribe, Told
from edge_agent.chain.outbox import Outbox
from edge_agent.clock import Clock
from edge_agent.disk.vault import Vault
from edge_agent.errors import BadSettings, VaultFull
from edge_agent.orders.allowed import Refusal, refuse_unallowed
from edge_agent.orders.ledger import Held, Trial
from edge_agent.orders.probation import Probation, Signs
from edge_agent.orders.standing import Standing, forget_faces, said
from edge_agent.settings import load

# Never emptied: a clock that went back must not make an old order new, and orders are few.
SCHEMA = "CREATE TABLE IF NOT EXISTS orders (request TEXT PRIMARY KEY, result TEXT NOT NULL);"

log = structlog.get_logger(__name__)


class Orders:
    """The orders of one run of the program. Safe to use from several threads."""

    def __init__(self, *, standing: Standing, settings_sha256: str, vault: Vault, outbox: Outbox, scribe: Scribe, clock: Clock) -> None:
        """`settings_sha256` names the settings in force as events say them; `vault` is that of the outbox."""
        self._standing, self._settings_sha256 = standing, settings_sha256
        self._vault, self._outbox, self._scribe, self._clock = vault, outbox, scribe, clock
        self._in_force, self._wanted_s = standing.in_force, clock.mono_s()
        self._probation = self._begun() if standing.trying else None
        self._lock = RLock()

    @property
    def revoked(self) -> bool:
        """Whether this device was revoked when the program started."""
        return self._standing.revoked

    def problem(self) -> str | None:
        """Why an order does not hold although it lies here. Raises OSError."""
        return self._standing.ledger.read().problem or self._standing.problem

    def take(self, command: Configure | Revoke, signed: bytes) -> None:
        """Note a verified order, or refuse it in the chain; one that came too late, or that is known, changes nothing.

        `signed` are the bytes that were verified. Raises VaultFull or OSError: nothing was noted, and the centre will say it again.
        """
        with self._lock:
            if command.valid_until <= self._clock.now() or self._is_told(command.request):
                return
            if isinstance(command, Revoke):
                self._revoke(command, signed)
            else:
                self._configure(command, signed)

    def turn(self, signs: Signs) -> bool:
        """Whether the program should start anew now. To be called about once a second; without room on the disk orders wait.

        Never raises: when anything else fails a trial is over, for the next start takes it back, and without one it is tried again.
        """
        with self._lock:
            try:
                return self._turn(signs)
            except (VaultFull, OSError) as error:
                log.warning("orders_wait", why=str(error))
                return False
            except Exception:
                log.exception("orders_failed")
                return self._probation is not None

    def _revoke(self, command: Revoke, signed: bytes) -> None:
        if self.revoked:
            self._tell(command.request, Told(result="revoked", why=command.why))
        elif not self._standing.ledger.revoked:
            self._standing.ledger.revoke(signed)
            forget_faces(self._standing.ledger)  # before the next start, which may never come
            log.warning("revoked", request=command.request, why=command.why)

    def _configure(self, command: Configure, signed: bytes) -> None:
        held = self._standing.ledger.read()
        if held.tried is not None and held.tried.request == command.request:
            return
        if refusal := self._refusal(command, held):
            self._tell(command.request, Told(result="refused", why=refusal.why, detail=refusal.detail))
            return
        self._standing.ledger.write(held.note.model_copy(update={"trial": Trial(signed=signed.decode())}))
        self._wanted_s = self._clock.mono_s()
        log.info("order_noted", request=command.request)

    def _refusal(self, command: Configure, held: Held) -> Refusal | None:
        if self.revoked or self._standing.ledger.revoked:
            return Refusal(why="revoked", detail="this device is revoked; only a new enrolment sets it up again")
        if held.stage is not None:
            return Refusal(why="busy", detail="another order is on its way; order again when it is answered")
        if command.from_sha256 != self._settings_sha256:
            return Refusal(why="other_settings", detail=f"the settings in force are {self._settings_sha256}")
        return refuse_unallowed(command.settings) or self._unfit(command)

    def _unfit(self, command: Configure) -> Refusal | None:
        """What the settings themselves say to these values, above this terminal's own file and below its environment."""
        try:
            settings = load(self._standing.file, command.settings)
        except BadSettings as error:
            return Refusal(why="bad_value", detail=said(error, self._standing.file))
        for section, values in command.settings.items():
            for name, value in values.items():
                set_to = getattr(getattr(settings, section), name)
                if isinstance(value, str) or isinstance(value, bool) is not isinstance(set_to, bool):
                    return Refusal(
                        why="bad_value", detail=f"{section}.{name}: {type(set_to).__name__} expected, not {type(value).__name__}"
                    )
                if set_to != value:
                    return Refusal(why="overridden", detail=f"{section}.{name}: the environment of this device sets it")
        return None

    def _turn(self, signs: Signs) -> bool:
        ledger = self._standing.ledger
        if not self.revoked and ledger.revoked:
            return True
        if self.revoked and (command := ledger.revocation()):
            self._tell(command.request, Told(result="revoked", why=command.why))
        held = ledger.read()
        if self._probation is not None:
            return self._try_on(held, self._probation, signs)
        if held.stage is not None:
            return self._go_on(held, signs)
        return held.note.in_force != self._in_force and signs.idle()  # it was reset on the site

    def _try_on(self, held: Held, probation: Probation, signs: Signs) -> bool:
        """The order on trial; one that is no longer in the file was taken back on the site."""
        if held.stage != "trying":
            return True
        told = probation.look(signs)
        if told is None:
            return False
        ended = self._standing.ledger.end(held.note, told)
        if told.result != "in_force":
            return True
        self._probation, self._in_force = None, ended.in_force
        return False

    def _go_on(self, held: Held, signs: Signs) -> bool:
        trial, ledger, command = held.note.trial, self._standing.ledger, held.tried
        assert trial is not None and command is not None  # noqa: S101 - it has a stage
        if trial.stage == "over":
            if held.note.in_force != self._in_force:
                return signs.idle()
            self._tell(command.request, Told(result=trial.result, why=trial.why, detail=trial.detail))
            ledger.write(held.note.model_copy(update={"trial": None}))
        elif trial.stage != "noted":  # it could not be tried when the program started
            ledger.end(
                held.note,
                Told(result="rolled_back", why="not_tried", detail="the program started without trying it: the disk took no note of it"),
            )
        elif self.revoked:
            ledger.end(held.note, Told(result="refused", why="revoked"))
        elif command.valid_until <= self._clock.now():
            ledger.end(held.note, Told(result="refused", why="too_late", detail="it could not be tried in time"))
        elif signs.idle() or self._clock.mono_s() - self._wanted_s >= self._standing.settings.machine.idle_wait_s:
            before = tuple(sorted({problem.check for problem in signs.problems()}))
            ready = {"stage": "ready", "before": before, "line": signs.connected()}
            ledger.write(held.note.model_copy(update={"trial": trial.model_copy(update=ready)}))
            return True
        return False

    def _begun(self) -> Probation:
        trial = self._standing.ledger.read().note.trial
        return Probation(
            lasts_s=self._standing.settings.machine.probation_s,
            before=() if trial is None else trial.before,
            line=trial is None or trial.line,
            clock=self._clock,
        )

    def _is_told(self, request: str) -> bool:
        with self._vault.transaction() as db:
            return db.execute("SELECT 1 FROM orders WHERE request = ?", (request,)).fetchone() is not None

    def _tell(self, request: str, told: Told) -> None:
        """Once for each request, whatever ends in between. Raises VaultFull."""
        with self._vault.transaction() as db:
            if db.execute("INSERT OR IGNORE INTO orders VALUES (?, ?)", (request, told.result)).rowcount:
                self._outbox.append(lambda place: self._scribe.result(request, told, place))
                log.info("order_answered", request=request, result=told.result, why=told.why)
