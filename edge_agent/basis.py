"""What nearly every part of the program needs: keys, clock and counters, and what lies on the disk."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from contract.checkpoints import VerifierKey
from contract.events import Software
from contract.sealed import from_text
from edge_agent.chain import outbox, register
from edge_agent.chain.books import Books
from edge_agent.chain.capture import Scribe
from edge_agent.chain.losses import Losses
from edge_agent.clock import Clock, Offset
from edge_agent.disk.reserve import Reserve
from edge_agent.disk.stores import open_outbox
from edge_agent.disk.vault import OURS, Vault, open_or_set_aside
from edge_agent.health.metrics import Metrics
from edge_agent.health.pulse import Pulses
from edge_agent.health.soundness import Noticed
from edge_agent.judging import gallery
from edge_agent.judging.calibration import liveness_limits, measured
from edge_agent.judging.trial import Trial, on_trial
from edge_agent.keyring import KeyRing, load_keys
from edge_agent.orders.standing import Standing
from edge_agent.settings import Settings
from edge_agent.software import describe
from models.liveness_track import LivenessLimits
from models.pack import Pack
from models.protocols import Embedder

GALLERY = "gallery.db"


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """What nearly every part needs."""

    settings: Settings
    calibrated: Mapping[str, LivenessLimits]
    pack: Pack
    signer: KeyRing
    clock: Clock
    offset: Offset
    metrics: Metrics
    pulses: Pulses
    software: Software
    standing: Standing | None

    @property
    def revoked(self) -> bool:
        """Whether this device only delivers what it has."""
        return self.standing is not None and self.standing.revoked

    @property
    def log_key(self) -> VerifierKey | None:
        """The key of the centre's transparency log, where it is known."""
        text = self.settings.centre.log_key
        return None if text is None else VerifierKey.parse(text)

    @property
    def losses(self) -> Losses:
        """What says, signed, that numbers of the chain are lost."""
        return Losses(
            signer=self.signer, device=self.settings.device_id, clock=self.clock, software=self.software, find_own=self.signer.find
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """What lies on the disk. `set_aside` names files that were damaged at start; `salvage` brings some more of their pictures."""

    vaults: tuple[Vault, Vault]
    outbox: outbox.Outbox
    gallery: gallery.Faces
    trial: Trial | None
    reserve: Reserve
    set_aside: tuple[Path, ...]
    salvage: Callable[[], object]


def lay(settings: Settings, pack: Pack, clock: Clock, standing: Standing | None) -> Base:
    """Read the keys and name what decides here. Raises BadKey, or BadSettings for measured limits that do not fit."""
    settings = settings.model_copy(update={"limits": measured(settings.limits, pack.embedder.version)})
    calibrated = liveness_limits(settings.liveness, settings.windows, pack.liveness)
    return Base(
        settings=settings,
        calibrated=calibrated,
        pack=pack,
        signer=KeyRing(load_keys(settings.files)),
        clock=clock,
        offset=Offset(),
        metrics=Metrics(),
        pulses=Pulses(clock, settings.machine.still_s),
        software=describe(settings, pack, calibrated),
        standing=standing,
    )


def open_stores(base: Base, schema: str) -> Stores:
    """Open or make what lies in the data folder; `schema` is that of the outbox's file. Raises VaultError, BadKey or OSError."""
    folder, now = base.settings.files.data_dir, int(base.clock.now().timestamp())
    OURS.make_folder(folder)
    reserve = Reserve(folder, base.settings.machine.reserve_mb * 2**20)
    reserve.keep()
    main = open_outbox(folder, schema, now, base.losses)
    faces, faces_aside = open_or_set_aside(folder / GALLERY, main.key, gallery.SCHEMA, now)
    return Stores(
        vaults=(main.vault, faces),
        outbox=main.outbox,
        gallery=_gallery(base, faces, base.pack.embedder),
        trial=on_trial(base.settings, base.pack, partial(_gallery, base, faces), main.vault, base.clock, base.metrics),
        reserve=reserve,
        set_aside=tuple(path for path in (main.set_aside, faces_aside) if path is not None),
        salvage=lambda: next(main.pictures, None),
    )


def _gallery(base: Base, faces: Vault, embedder: Embedder) -> gallery.Faces:
    return gallery.Faces(vault=faces, seal_key=base.signer, device=base.settings.device_id, embedder=embedder.version, size=embedder.size)


def books(base: Base, stores: Stores, give_up_film: Callable[[], bool], noticed: Noticed) -> Books:
    """What writes down what the till says, each with its event."""
    return Books(
        vault=stores.vaults[0],
        outbox=stores.outbox,
        register=register.Register(stores.vaults[0]),
        scribe=scribe(base),
        reserve=stores.reserve,
        give_up_film=give_up_film,
        noticed=noticed,
        media_bytes=base.settings.link.max_media_mb * 2**20,
    )


def scribe(base: Base) -> Scribe:
    """What writes and signs this device's events."""
    settings = base.settings
    return Scribe(
        signer=base.signer,
        device=settings.device_id,
        fixmedins_code=settings.fixmedins_code,
        centre_seal_key=from_text(settings.centre.seal_key),
        mode=settings.evidence,
        software=base.software,
        clock=base.clock,
        offset=base.offset,
    )
