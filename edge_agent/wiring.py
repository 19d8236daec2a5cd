"""The composition root: the only module that names the concrete parts of the running program, and its life from start to stop."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from pathlib import Path

from contract.events import Software
from contract.sealed import Signer, from_text
from contract.state import Problem
from edge_agent.agent import Agent
from edge_agent.camera.camera import WatchedCamera
from edge_agent.camera.coverage import CoverageBook, Hour
from edge_agent.chain import outbox, register
from edge_agent.chain.books import Books
from edge_agent.chain.capture import Scribe
from edge_agent.chain.losses import Losses
from edge_agent.clock import Clock, Offset, SystemClock
from edge_agent.disk.reserve import Reserve
from edge_agent.disk.stores import open_outbox
from edge_agent.disk.vault import OURS, Vault, open_or_set_aside
from edge_agent.film import requests
from edge_agent.film.filming import Chain, Filmed, Filming
from edge_agent.health.canary import Canary, Line
from edge_agent.health.checks import backlog, disk, evidence, quarantine, receipts, store, trial
from edge_agent.health.checks import clock as clock_check
from edge_agent.health.metrics import Metrics
from edge_agent.health.problems import Check, Problems
from edge_agent.health.pulse import Pulses
from edge_agent.health.selfcheck import SelfKnowledge
from edge_agent.judging import gallery
from edge_agent.judging.calibration import liveness_limits, measured
from edge_agent.judging.cooldown import Cooldown
from edge_agent.judging.examine import Examiner
from edge_agent.judging.judge import Judge
from edge_agent.judging.recent import RecentFaces
from edge_agent.judging.trial import SCHEMA as TRIAL_SCHEMA
from edge_agent.judging.trial import Trial, on_trial
from edge_agent.keys import load_seal_key, load_signer, load_token, trusted
from edge_agent.link.inbox import Inbox
from edge_agent.link.link import Link
from edge_agent.link.sender import Sender
from edge_agent.link.states import Device, States
from edge_agent.ports import OpenStream
from edge_agent.program import Program
from edge_agent.sections.core import Limits, LivenessSettings, Times
from edge_agent.settings import Settings
from edge_agent.ticker import Ticker
from edge_agent.till.server import LocalServer
from edge_agent.till.terminal import HealthReport, till_api
from edge_agent.window.eyes import Eyes
from edge_agent.window.presence import Background
from edge_agent.window.roles import Settling
from edge_agent.window.vacancy import Vacancy
from edge_agent.window.watch import Sessions
from edge_agent.window.watching import Watching, new_vacancy, watching
from models.liveness_track import LivenessLimits
from models.pack import Pack, load_pack, with_own_embedder
from models.protocols import Embedder

VERSION = "0.1.0"
OUTBOX_SCHEMA = outbox.SCHEMA + register.SCHEMA + requests.SCHEMA + TRIAL_SCHEMA
NAME_LENGTH = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class _Base:
    """What nearly every part needs."""

    settings: Settings
    calibrated: Mapping[str, LivenessLimits]
    pack: Pack
    signer: Signer
    clock: Clock
    offset: Offset
    metrics: Metrics
    pulses: Pulses
    software: Software

    @property
    def losses(self) -> Losses:
        """What says, signed, that numbers of the chain are lost."""
        return Losses(signer=self.signer, device=self.settings.device_id, clock=self.clock, software=self.software)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stores:
    """What lies on the disk. `set_aside` names files that were damaged at start; `salvage` brings some more of their pictures."""

    vaults: tuple[Vault, Vault]
    outbox: outbox.Outbox
    gallery: gallery.Faces
    trial: Trial | None
    reserve: Reserve
    set_aside: tuple[Path, ...]
    salvage: Callable[[], object]


def build(
    settings: Settings, *, clock: Clock | None = None, pack: Pack | None = None, streams: Mapping[str, OpenStream] | None = None
) -> Program:
    """Put the program together: reads keys, opens the vaults, loads the networks and takes the till's port, but starts nothing.

    `streams` replaces the sources of windows. Where liveness is turned off its networks are left out. Raises BadKey, BadSettings (also for
    measured limits that do not fit), VaultError, or ModelError when networks are missing.
    """
    base = _base(settings, networks(settings, pack), SystemClock() if clock is None else clock)
    settings, token = base.settings, load_token(settings.files.till_token)
    stores = _open_stores(base)
    own = _self_knowledge(base, stores)
    filming = _filming(base, stores)
    vacancy = new_vacancy(settings)
    agent = _agent(base, stores, own, filming, vacancy)
    seeing = _watching(base, Filmed(Settling(agent, settings.windows), filming.film), vacancy, streams or {})
    ledger = CoverageBook(seeing.coverage, partial(_tell_coverage, base, stores))
    inbox = Inbox(
        device=settings.device_id,
        centre=trusted(settings.centre.sign_keys),
        outbox=stores.outbox,
        gallery=stores.gallery,
        requests=filming.requests,
        clock=base.clock,
        offset=base.offset,
        metrics=base.metrics,
    )
    problems = Problems({**seeing.checks(), **_checks(base, stores, inbox), **own.checks()}, base.metrics)
    states = _states(base, stores, seeing.cameras, problems)
    link = _link(base, stores, inbox, states)
    app = till_api(
        agent=agent,
        health=partial(_health, base, stores, agent, link, states, problems),
        metrics=base.metrics,
        token=token,
        max_body_bytes=settings.till.max_body_bytes,
    )
    return Program(
        agent=agent,
        cameras=seeing.cameras,
        watchers=seeing.watchers,
        ticker=Ticker(agent, base.metrics, {**own.chores(), "coverage": ledger.turn, "salvage": stores.salvage}),
        link=link,
        server=LocalServer(app, settings.till.port),
        vaults=(*stores.vaults, filming.vault),
        pulses=base.pulses,
        others=(filming.recorder, ledger),
    )


def _base(settings: Settings, pack: Pack, clock: Clock) -> _Base:
    settings = settings.model_copy(update={"limits": measured(settings.limits, pack.embedder.version)})
    calibrated = liveness_limits(settings.liveness, settings.windows, pack.liveness)
    return _Base(
        settings=settings,
        calibrated=calibrated,
        pack=pack,
        signer=load_signer(settings.files.sign_key),
        clock=clock,
        offset=Offset(),
        metrics=Metrics(),
        pulses=Pulses(clock, settings.machine.still_s),
        software=describe(settings, pack, calibrated),
    )


def networks(settings: Settings, pack: Pack | None = None) -> Pack:
    """What this terminal judges with: the default pack or `pack`, with an embedder of its own if it has one. Raises ModelError."""
    own = settings.networks
    pack = load_pack(settings.files.models_dir, long_side=settings.limits.search_side, threads=own.threads) if pack is None else pack
    pack = with_own_embedder(pack, own.embedder, own.licence) if own.embedder else pack
    return pack if settings.liveness.enabled else replace(pack, liveness=None)


def describe(settings: Settings, pack: Pack, calibrated: Mapping[str, LivenessLimits]) -> Software:
    """What decides here, as it stands in every capture."""
    return Software(
        agent=VERSION,
        detector=detector_name(pack),
        embedder=pack.embedder.version[:NAME_LENGTH],
        limits_sha256=limits_sha256(settings.limits, settings.liveness, pack, calibrated),
        settings_sha256=settings.sha256(),
    )


def limits_sha256(limits: Limits, liveness: LivenessSettings, pack: Pack, calibrated: Mapping[str, LivenessLimits]) -> str:
    """Names every value and network that an outcome hangs on, besides the detector and the embedder: the limits and, where liveness is
    evaluated, its networks and its limits, those of windows with limits of their own included.
    """
    if pack.liveness is None:
        return limits.sha256()
    own = "".join(f" {window} {limits}" for window, limits in sorted(calibrated.items()))
    return sha256(f"{limits.sha256()} {liveness.limits()} {pack.liveness.version}{own}".encode()).hexdigest()


def detector_name(pack: Pack) -> str:
    """The detector as the embedder names itself: the weights' name and the start of their sha256."""
    names = (f"{name}-{sha256[:12]}" for name, sha256 in pack.hashes.items() if not pack.embedder.version.startswith(name))
    return next(names, "unnamed")[:NAME_LENGTH]


def new_eyes(pack: Pack, zone: tuple[float, float, float, float], limits: Limits, times: Times, *, judged: bool = True) -> Eyes:
    """Eyes for one window; nothing is kept to judge liveness by unless faces there are `judged`."""
    background = Background(quiet_s=times.background_quiet_s, empty_share=limits.empty_share)
    return Eyes(
        detector=pack.detector,
        zone=zone,
        limits=limits,
        background=background,
        idle_interval_s=1 / times.idle_fps,
        liveness=judged and pack.liveness is not None,
    )


def _open_stores(base: _Base) -> _Stores:
    folder, now = base.settings.files.data_dir, int(base.clock.now().timestamp())
    OURS.make_folder(folder)
    reserve = Reserve(folder, base.settings.machine.reserve_mb * 2**20)
    reserve.keep()
    main = open_outbox(folder, OUTBOX_SCHEMA, now, base.losses)
    faces, faces_aside = open_or_set_aside(folder / "gallery.db", main.key, gallery.SCHEMA, now)
    return _Stores(
        vaults=(main.vault, faces),
        outbox=main.outbox,
        gallery=_gallery(base, faces, base.pack.embedder),
        trial=on_trial(base.settings, base.pack, partial(_gallery, base, faces), main.vault, base.clock, base.metrics),
        reserve=reserve,
        set_aside=tuple(path for path in (main.set_aside, faces_aside) if path is not None),
        salvage=lambda: next(main.pictures, None),
    )


def _gallery(base: _Base, faces: Vault, embedder: Embedder) -> gallery.Faces:
    seal_key = load_seal_key(base.settings.files.seal_key)
    return gallery.Faces(vault=faces, seal_key=seal_key, device=base.settings.device_id, embedder=embedder.version, size=embedder.size)


def _self_knowledge(base: _Base, stores: _Stores) -> SelfKnowledge:
    settings, books = base.settings, _books(base, stores)
    line = Line(pack=base.pack, signer=base.signer, seal_key=load_seal_key(settings.files.seal_key), vaults=stores.vaults)
    return SelfKnowledge(
        settings=settings,
        clock=base.clock,
        metrics=base.metrics,
        pulses=base.pulses,
        canary=Canary(line, every_s=settings.machine.canary_every_s, clock=base.clock, idle=books.idle),
        cooldown=Cooldown(settings.cooldown, base.clock),
        books=books,
        reserve=stores.reserve,
    )


def _filming(base: _Base, stores: _Stores) -> Filming:
    vault = stores.vaults[0]
    chain = Chain(vault=vault, outbox=stores.outbox, register=register.Register(vault), scribe=_scribe(base))
    return Filming.open(base.settings, chain, base.clock, base.metrics)


def _agent(base: _Base, stores: _Stores, own: SelfKnowledge, filming: Filming, vacancy: Vacancy) -> Agent:
    settings = base.settings
    recent = RecentFaces(keep_s=settings.upkeep.recent_faces_h * 3600, limit=settings.limits.among)
    return Agent(
        windows=[window.window for window in settings.windows if window.settles],
        times=settings.times,
        max_open=settings.till.max_open_per_window,
        books=own.books,
        judge=Judge(
            embedder=base.pack.embedder,
            people=stores.gallery,
            recent=recent,
            limits=settings.limits,
            examiner=Examiner(base.pack.liveness, settings.liveness.limits(), base.calibrated),
            also=None if stores.trial is None else stores.trial.note,
        ),
        vacancy=vacancy,
        cooldown=own.cooldown,
        also=filming.recorder.settled,
        clock=base.clock,
        metrics=base.metrics,
    )


def _books(base: _Base, stores: _Stores) -> Books:
    return Books(
        vault=stores.vaults[0],
        outbox=stores.outbox,
        register=register.Register(stores.vaults[0]),
        scribe=_scribe(base),
        reserve=stores.reserve,
        media_bytes=base.settings.link.max_media_mb * 2**20,
    )


def _scribe(base: _Base) -> Scribe:
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


def _watching(base: _Base, sessions: Sessions, vacancy: Vacancy, streams: Mapping[str, OpenStream]) -> Watching:
    settings = base.settings
    return watching(
        settings,
        streams=streams,
        new_eyes=lambda window: new_eyes(base.pack, window.zone, settings.limits, settings.times, judged=window.settles),
        sessions=sessions,
        vacancy=vacancy,
        clock=base.clock,
        pulses=base.pulses,
        metrics=base.metrics,
    )


def _tell_coverage(base: _Base, stores: _Stores, hours: Sequence[Hour]) -> None:
    stores.outbox.append(partial(_scribe(base).coverage, hours))


def _checks(base: _Base, stores: _Stores, inbox: Inbox) -> dict[str, Check]:
    settings, upkeep = base.settings, base.settings.upkeep

    def clock_agrees() -> Problem | None:
        return clock_check.check(base.offset.ms, upkeep.max_clock_offset_s)

    def agrees() -> Problem | None:
        return None if stores.trial is None else trial.check(stores.trial.name, stores.trial.result())

    def arrives() -> Problem | None:
        return backlog.check(stores.outbox.backlog(), upkeep.backlog_events)

    return {
        "disk": partial(disk.check, settings.files.data_dir, upkeep.min_free_mb),
        "clock": clock_agrees,
        "backlog": arrives,
        "evidence": partial(evidence.check, settings.evidence_mode, settings.evidence),
        "store": partial(store.check, stores.set_aside),
        "quarantine": lambda: quarantine.check(stores.outbox.apart.held()),
        "receipts": lambda: receipts.check(inbox.problem),
        "trial": agrees,
    }


def _states(base: _Base, stores: _Stores, cameras: Mapping[str, WatchedCamera], problems: Problems) -> States:
    return States(
        signer=base.signer,
        device=Device(name=base.settings.device_id, software=base.software, liveness_available=base.pack.liveness is not None),
        cameras=cameras,
        outbox=stores.outbox,
        gallery=stores.gallery,
        problems=problems.find,
        clock=base.pulses.clock("link"),
    )


def _link(base: _Base, stores: _Stores, inbox: Inbox, states: States) -> Link:
    def new_sender() -> Sender:
        settings = base.settings
        return Sender(outbox=stores.outbox, signer=base.signer, device=settings.device_id, limits=settings.link, clock=base.clock)

    return Link(
        settings=base.settings,
        new_sender=new_sender,
        next_connection=stores.outbox.next_connection,
        inbox=inbox,
        states=states,
        clock=base.pulses.clock("link"),
        metrics=base.metrics,
    )


def _health(base: _Base, stores: _Stores, agent: Agent, link: Link, states: States, problems: Problems) -> HealthReport:
    waiting = stores.outbox.backlog().events
    base.metrics.waiting(waiting)
    return HealthReport(
        device=base.settings.device_id,
        connected=link.connected,
        backlog=waiting,
        open_sessions=agent.open_sessions,
        liveness_available=base.pack.liveness is not None,
        gallery_version=stores.gallery.version,
        gallery_people=stores.gallery.people(base.clock.now()),
        cameras=states.cameras(),
        problems=problems.find(),
        trial=None if stores.trial is None else stores.trial.result(),
    )
