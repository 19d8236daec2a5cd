"""Answer what film is wanted: one signed event for each wish, with the sealed film, or with the reason why none comes.

Nothing is asked of the network or of the till here; who may ask is decided by the signature, and what may leave by the evidence mode.
"""

from collections.abc import Callable
from dataclasses import replace

import structlog

from contract.events import EvidenceMode, MediaRef, MediaRole
from edge_agent.chain.capture import Scribe, Shown
from edge_agent.chain.outbox import Outbox
from edge_agent.chain.register import Register
from edge_agent.disk.vault import Vault
from edge_agent.film.bystanders import Anchor
from edge_agent.film.clip import Stopped, clip, unrecognisable
from edge_agent.film.film import Film, Still, jpeg
from edge_agent.film.requests import Requests, Wanted
from edge_agent.film.spool import Spool
from edge_agent.health.metrics import Metrics
from edge_agent.sections.film import FilmSettings

log = structlog.get_logger(__name__)

Sealed = tuple[Shown, tuple[bytes, ...]]


class NotNow(Exception):
    """It cannot be answered yet: the settlement goes on, or there is no room for what would go with the answer."""


class Replies:
    """Makes answers, one at a time. The vault is that of outbox, register and requests."""

    def __init__(  # noqa: PLR0913 - the parts of an answer
        self,
        *,
        vault: Vault,
        outbox: Outbox,
        register: Register,
        requests: Requests,
        scribe: Scribe,
        film: Film,
        spool: Spool,
        settings: FilmSettings,
        mode: EvidenceMode,
        barred: str | None,
        media_bytes: int,
        has_room: Callable[[], bool],
        metrics: Metrics,
    ) -> None:
        """`barred` says why no picture leaves this device, None where some do. Above `media_bytes` of waiting pictures, and while what room
        there is belongs to events, clips wait.
        """
        self._vault, self._outbox, self._register, self._requests = vault, outbox, register, requests
        self._scribe, self._film, self._spool, self._settings = scribe, film, spool, settings
        self._mode, self._barred, self._metrics = mode, barred, metrics
        self._media_bytes, self._has_room = media_bytes, has_room

    def answer(self, wanted: Wanted, stop: Callable[[], bool]) -> bool:
        """Answer in the chain, durably; False when it has to wait. `stop` ends the coding of a clip. Raises VaultFull: nothing was kept."""
        try:
            shown, media = self._shown(wanted, stop)
        except (NotNow, Stopped):
            return False
        except Exception:  # what cannot be coded once cannot be coded ever
            log.exception("film_failed", request=wanted.request, msgid=wanted.msgid)
            self._metrics.failed("film")
            shown, media = Shown(msgid=wanted.msgid, window=wanted.window, missing="film_failed"), ()
        told = replace(shown, request=wanted.request)
        with self._vault.transaction():
            self._outbox.append(lambda place: self._scribe.footage(told, place), media)
            self._requests.answered(wanted)
        log.info("film_answered", request=wanted.request, msgid=told.msgid, missing=told.missing, size=sum(map(len, media)))
        return True

    def _shown(self, wanted: Wanted, stop: Callable[[], bool]) -> Sealed:
        return self._settlement(wanted, stop) if wanted.window is None else self._roll_call(wanted.window)

    def _roll_call(self, window: str) -> Sealed:
        if window not in self._film.windows:
            return Shown(window=window, missing="unknown_window"), ()
        persons, still = self._film.persons(window), self._film.newest(window)
        told = Shown(window=window, persons=persons)
        if persons is None:
            return replace(told, missing="camera_blind"), ()
        if self._barred or self._mode is not EvidenceMode.ALL:
            return replace(told, missing=self._barred or "mode_forbids"), ()
        if still is None:
            return replace(told, missing="film_not_kept"), ()
        told = replace(told, since=still.at, until=still.at, blurred=self._settings.blur_bystanders)
        return self._with(told, [(self._picture(still), MediaRole.SCENE)])

    def _settlement(self, wanted: Wanted, stop: Callable[[], bool]) -> Sealed:
        entry = self._register.find(wanted.msgid) if wanted.msgid else self._register.find_settlement(wanted.setl_id or "")
        if entry is None:
            return Shown(msgid=wanted.msgid, missing="unknown_settlement"), ()
        if not entry.closed:
            raise NotNow
        told = Shown(msgid=entry.start.msgid, window=entry.start.window)
        take = self._spool.take(entry.start.msgid)
        if self._barred or (take is not None and not self._scribe.leaves(take.outcome)):
            return replace(told, missing=self._barred or "mode_forbids"), ()
        stills = [] if take is None else self._spool.stills(take.window, take.since, take.until)
        if take is None or not stills:
            return replace(told, missing="film_not_kept"), ()
        if self._outbox.backlog().media_bytes > self._media_bytes or not self._has_room():
            raise NotNow
        told = replace(told, since=stills[0].at, until=stills[-1].at, blurred=self._settings.blur_bystanders)
        parts = [(self._clip(stills, take.subject, stop), MediaRole.CLIP)]
        return self._with(told, parts)

    def _clip(self, stills: list[Still], subject: tuple[Anchor, ...], stop: Callable[[], bool]) -> bytes:
        own = self._settings
        return clip(stills, subject, blur=own.blur_bystanders, quality=own.clip_quality, most_bytes=own.clip_mb * 2**20, stop=stop)

    def _picture(self, still: Still) -> bytes:
        return jpeg(unrecognisable(still), self._settings.jpeg_quality) if self._settings.blur_bystanders else still.jpeg

    def _with(self, told: Shown, parts: list[tuple[bytes, MediaRole]]) -> Sealed:
        made: list[tuple[MediaRef, bytes]] = [self._scribe.seal(plain, role) for plain, role in parts]
        return replace(told, refs=tuple(ref for ref, _ in made)), tuple(item for _, item in made)
