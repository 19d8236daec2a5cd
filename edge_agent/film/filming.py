"""Puts together what films: memory, spool, requests, answers and the thread between them. The rest of the program knows only this room."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from contract.events import EvidenceMode
from edge_agent.camera.frames import Sight
from edge_agent.chain.capture import Scribe
from edge_agent.chain.outbox import Outbox
from edge_agent.chain.register import Register
from edge_agent.clock import Clock
from edge_agent.disk.vault import Vault, vault_key
from edge_agent.film.film import Film
from edge_agent.film.recorder import Recorder
from edge_agent.film.replies import Replies
from edge_agent.film.requests import Requests
from edge_agent.film.spool import Spool, remove
from edge_agent.health.metrics import Metrics
from edge_agent.health.pulse import Pulses
from edge_agent.health.soundness import Noticed
from edge_agent.settings import Settings
from edge_agent.window.watch import Sessions
from models.results import Picture

FILE, VAULT_KEY = "film.db", "vault.key"
START_BYTES = 2**20  # with less free disk the stores that matter may not open


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """What is durable of settlements, in one vault."""

    vault: Vault
    outbox: Outbox
    register: Register
    scribe: Scribe


@dataclass(frozen=True, slots=True, kw_only=True)
class Filming:
    """Everything that films. The recorder closes the spool when it stops."""

    film: Film
    requests: Requests
    recorder: Recorder
    spool: Spool

    @classmethod
    def open(
        cls,
        settings: Settings,
        chain: Chain,
        clock: Clock,
        *,
        pulses: Pulses,
        metrics: Metrics,
        has_room: Callable[[], bool],
        noticed: Noticed = lambda _: None,
    ) -> Self:
        """Put the parts together; starts nothing. `has_room` is False while what room the disk has belongs to events; `noticed` is shown
        what failed.

        Raises BadKey.
        """
        own, folder = settings.film, settings.files.data_dir
        unsettling = [window.window for window in settings.windows if not window.settles]
        film = Film((window.window for window in settings.windows), own, clock, keeps=_barred(settings) is None, unsettling=unsettling)
        requests, key = Requests(chain.vault), vault_key(folder / VAULT_KEY)
        kept = Spool(folder / FILE, key, clock, keep_h=own.keep_h, keep_mb=own.keep_mb)
        replies = _replies(settings, chain, requests, film, kept, has_room, metrics)
        recorder = Recorder(
            film=film,
            spool=kept,
            requests=requests,
            replies=replies,
            scribe=chain.scribe,
            before_s=settings.times.window_before_s,
            keep_h=own.keep_h,
            folder=folder,
            min_free_bytes=settings.upkeep.min_free_mb * 2**20,
            clock=clock,
            pulses=pulses,
            metrics=metrics,
            noticed=noticed,
        )
        return cls(film=film, requests=requests, recorder=recorder, spool=kept)


def make_way(folder: Path) -> None:
    """Before the stores in `folder` are opened: give up the film there if the disk is so full that they may not open. Raises OSError."""
    if folder.exists() and shutil.disk_usage(folder).free < START_BYTES:
        remove(folder / FILE)


class Filmed:
    """Sessions whose windows are filmed."""

    def __init__(self, sessions: Sessions, film: Film) -> None:
        self._sessions, self._film = sessions, film

    def observe(self, window: str, sight: Sight, picture: Picture) -> None:
        """The verdict sees it first."""
        self._sessions.observe(window, sight, picture)
        self._film.note(window, sight, picture, served=self._sessions.is_serving(window))

    def is_serving(self, window: str) -> bool:
        """As the sessions say."""
        return self._sessions.is_serving(window)


def _replies(
    settings: Settings, chain: Chain, requests: Requests, film: Film, spool: Spool, has_room: Callable[[], bool], metrics: Metrics
) -> Replies:
    return Replies(
        vault=chain.vault,
        outbox=chain.outbox,
        register=chain.register,
        requests=requests,
        scribe=chain.scribe,
        film=film,
        spool=spool,
        settings=settings.film,
        mode=settings.evidence,
        barred=_barred(settings),
        media_bytes=settings.link.max_media_mb * 2**20,
        has_room=has_room,
        metrics=metrics,
    )


def _barred(settings: Settings) -> str | None:
    """Why no picture leaves this device at all."""
    if settings.evidence is not EvidenceMode.VERDICT_ONLY:
        return None if settings.film.enabled else "film_turned_off"
    return "mode_forbids" if settings.evidence_mode is EvidenceMode.VERDICT_ONLY else "legal_basis_missing"
