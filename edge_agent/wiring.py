"""The composition root: the only module that names the concrete parts of the running program, and its life from start to stop."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial

from contract.state import Problem
from edge_agent.agent import Agent
from edge_agent.basis import GALLERY, Base, Stores, books, lay, open_stores, scribe
from edge_agent.camera.camera import WatchedCamera
from edge_agent.camera.coverage import CoverageBook, Hour
from edge_agent.chain import outbox, register
from edge_agent.clock import Clock, SystemClock
from edge_agent.disk.stores import NAME
from edge_agent.disk.vault import vault_key
from edge_agent.film import requests
from edge_agent.film.filming import Chain, Filmed, Filming, make_way
from edge_agent.health.canary import Canary, Line
from edge_agent.health.checks import backlog, disk, evidence, log, orders, quarantine, receipts, revoked, trial
from edge_agent.health.checks import clock as clock_check
from edge_agent.health.problems import Check, Problems
from edge_agent.health.selfcheck import SelfKnowledge
from edge_agent.health.soundness import ShownPeople, Soundness, end_in_order
from edge_agent.judging.cooldown import Cooldown
from edge_agent.judging.examine import Examiner
from edge_agent.judging.judge import Judge
from edge_agent.judging.recent import RecentFaces
from edge_agent.judging.trial import SCHEMA as TRIAL_SCHEMA
from edge_agent.keys import load_token, trusted
from edge_agent.link.inbox import Inbox
from edge_agent.link.link import Link
from edge_agent.link.log_watch import SCHEMA as LOG_SCHEMA
from edge_agent.link.log_watch import LogWatch
from edge_agent.link.sender import Sender
from edge_agent.link.states import Device, States
from edge_agent.orders.orders import SCHEMA as ORDERS_SCHEMA
from edge_agent.orders.orders import Orders
from edge_agent.orders.probation import Signs
from edge_agent.orders.rekeying import SCHEMA as REKEY_SCHEMA
from edge_agent.orders.rekeying import Rekeying
from edge_agent.orders.standing import Standing
from edge_agent.ports import OpenStream
from edge_agent.program import Program
from edge_agent.sections.core import Limits, Times
from edge_agent.settings import Settings
from edge_agent.software import networks
from edge_agent.ticker import Ticker
from edge_agent.till.server import LocalServer
from edge_agent.till.terminal import HealthReport, till_api
from edge_agent.window.eyes import Eyes
from edge_agent.window.presence import Background
from edge_agent.window.roles import Settling
from edge_agent.window.vacancy import Vacancy
from edge_agent.window.watch import Sessions
from edge_agent.window.watching import Watching, new_vacancy, watching
from models.pack import Pack

OUTBOX_SCHEMA = outbox.SCHEMA + register.SCHEMA + requests.SCHEMA + TRIAL_SCHEMA + ORDERS_SCHEMA + REKEY_SCHEMA + LOG_SCHEMA
NO_MORE = datetime.max.replace(tzinfo=UTC)


def build(
    settings: Settings,
    *,
    clock: Clock | None = None,
    pack: Pack | None = None,
    streams: Mapping[str, OpenStream] | None = None,
    standing: Standing | None = None,
) -> Program:
    """Put the program together: reads keys, opens the vaults, loads the networks and takes the till's port, but starts nothing.

    `streams` replaces the sources of windows. Without a `standing` orders of the centre are not listened to. Where
    liveness is turned off its networks are left out. Raises BadKey, BadSettings (also for measured limits that do not fit), VaultError, or
    ModelError when networks are missing.
    """
    base = lay(settings, networks(settings, pack), SystemClock() if clock is None else clock, standing)
    settings, token = base.settings, load_token(settings.files.till_token)
    make_way(settings.files.data_dir)
    stores = open_stores(base, OUTBOX_SCHEMA)
    soundness = _soundness(base)
    filming = _filming(base, stores, soundness)
    own = _self_knowledge(base, stores, filming, soundness)
    vacancy = new_vacancy(settings)
    agent = _agent(base, stores, own, filming, vacancy)
    seeing = _watching(base, Filmed(Settling(agent, settings.windows), filming.film), vacancy, streams or {})
    watch = LogWatch(base.log_key, stores.vaults[0], stores.outbox, scribe(base))
    ledger = CoverageBook(seeing.coverage, partial(_tell_coverage, base, stores, watch))
    ordered, rekeying = _orders(base, stores), _rekeying(base, stores)
    inbox = _inbox(base, stores, filming, ordered, rekeying, watch)
    problems = Problems(
        {**seeing.checks(), **_checks(base, stores, inbox, ordered), **own.checks(), "log": lambda: log.check(watch.problem)}, base.metrics
    )
    states = _states(base, stores, seeing.cameras, problems)
    link = _link(base, stores, own, inbox, states)
    health = partial(_health, base, stores, agent, link, states, problems)
    return Program(
        agent=agent,
        cameras=seeing.cameras,
        watchers=seeing.watchers,
        ticker=Ticker(agent, base.metrics, {**own.chores(), "coverage": ledger.turn, "salvage": stores.salvage}, soundness.note),
        link=link,
        server=_till(base, agent, health, token, soundness),
        vaults=stores.vaults,
        pulses=base.pulses,
        others=(filming.recorder, ledger),
        turn=_turn(base, ordered, rekeying, own, problems, link),
    )


def _till(base: Base, agent: Agent, health: Callable[[], HealthReport], token: str, soundness: Soundness) -> LocalServer:
    app = till_api(
        agent=agent,
        health=health,
        metrics=base.metrics,
        token=token,
        max_body_bytes=base.settings.till.max_body_bytes,
        noticed=soundness.note,
    )
    return LocalServer(app, base.settings.till.port)


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


def _soundness(base: Base) -> Soundness:
    folder = base.settings.files.data_dir
    return Soundness((folder / NAME, folder / GALLERY), vault_key(folder / "vault.key"), base.clock, end_in_order)


def _self_knowledge(base: Base, stores: Stores, filming: Filming, soundness: Soundness) -> SelfKnowledge:
    settings, written = base.settings, books(base, stores, filming.spool.give_up, soundness.note)
    line = Line(pack=base.pack, signer=base.signer, seal_key=base.signer.keys.seal_keys[0], vaults=stores.vaults)
    return SelfKnowledge(
        settings=settings,
        clock=base.clock,
        metrics=base.metrics,
        pulses=base.pulses,
        canary=Canary(line, every_s=settings.machine.canary_every_s, clock=base.clock, idle=written.idle),
        cooldown=Cooldown(settings.cooldown, base.clock),
        books=written,
        reserve=stores.reserve,
        soundness=soundness,
        set_aside=lambda: (*stores.set_aside, *filming.spool.set_aside),
    )


def _filming(base: Base, stores: Stores, soundness: Soundness) -> Filming:
    vault = stores.vaults[0]
    chain = Chain(vault=vault, outbox=stores.outbox, register=register.Register(vault), scribe=scribe(base))
    filming = Filming.open(
        base.settings,
        chain,
        base.clock,
        pulses=base.pulses,
        metrics=base.metrics,
        has_room=lambda: not stores.reserve.given_up,
        noticed=soundness.note,
    )
    if base.revoked:
        filming.requests.forget(NO_MORE)
    return filming


def _orders(base: Base, stores: Stores) -> Orders | None:
    if base.standing is None:
        return None
    return Orders(
        standing=base.standing,
        settings_sha256=base.software.settings_sha256,
        vault=stores.vaults[0],
        outbox=stores.outbox,
        scribe=scribe(base),
        clock=base.clock,
    )


def _rekeying(base: Base, stores: Stores) -> Rekeying:
    return Rekeying(
        files=base.settings.files,
        device=base.settings.device_id,
        ring=base.signer,
        vault=stores.vaults[0],
        outbox=stores.outbox,
        scribe=scribe(base),
        clock=base.clock,
        ask_days=0 if base.revoked else base.settings.machine.rekey_days,
    )


def _turn(base: Base, ordered: Orders | None, rekeying: Rekeying, own: SelfKnowledge, problems: Problems, link: Link) -> Callable[[], bool]:
    signs = Signs(
        problems=problems.find,
        connected=lambda: link.connected,
        heard=lambda: base.offset.ms is not None,
        still=base.pulses.still,
        canary=own.canary,
        idle=own.books.idle,
    )

    def turn() -> bool:
        rekeying.turn()
        return ordered is not None and ordered.turn(signs)

    return turn


def _inbox(base: Base, stores: Stores, filming: Filming, ordered: Orders | None, rekeying: Rekeying, watch: LogWatch) -> Inbox:
    return Inbox(
        device=base.settings.device_id,
        centre=trusted(base.settings.centre.sign_keys),
        outbox=stores.outbox,
        gallery=stores.gallery,
        requests=filming.requests,
        clock=base.clock,
        offset=base.offset,
        metrics=base.metrics,
        orders=ordered,
        rekeying=rekeying,
        log_watch=watch,
    )


def _agent(base: Base, stores: Stores, own: SelfKnowledge, filming: Filming, vacancy: Vacancy) -> Agent:
    settings = base.settings
    recent = RecentFaces(keep_s=settings.upkeep.recent_faces_h * 3600, limit=settings.limits.among)
    return Agent(
        windows=[window.window for window in settings.windows if window.settles],
        times=settings.times,
        max_open=settings.till.max_open_per_window,
        books=own.books,
        judge=Judge(
            embedder=base.pack.embedder,
            people=ShownPeople(stores.gallery, own.soundness.note),
            recent=recent,
            limits=settings.limits,
            examiner=Examiner(base.pack.liveness, settings.liveness.limits(), base.calibrated),
            also=None if stores.trial is None else stores.trial.note,
        ),
        vacancy=vacancy,
        cooldown=own.cooldown,
        also=filming.recorder.settled,
        barred=revoked.CODE if base.revoked else None,
        clock=base.clock,
        metrics=base.metrics,
    )


def _watching(base: Base, sessions: Sessions, vacancy: Vacancy, streams: Mapping[str, OpenStream]) -> Watching:
    settings = base.settings
    return watching(
        settings.model_copy(update={"windows": ()}) if base.revoked else settings,
        streams=streams,
        new_eyes=lambda window: new_eyes(base.pack, window.zone, settings.limits, settings.times, judged=window.settles),
        sessions=sessions,
        vacancy=vacancy,
        clock=base.clock,
        pulses=base.pulses,
        metrics=base.metrics,
    )


def _tell_coverage(base: Base, stores: Stores, watch: LogWatch, hours: Sequence[Hour]) -> None:
    stores.outbox.append(partial(scribe(base).coverage, hours, watch.newest))


def _checks(base: Base, stores: Stores, inbox: Inbox, ordered: Orders | None) -> dict[str, Check]:
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
        "quarantine": lambda: quarantine.check(stores.outbox.apart.held()),
        "receipts": lambda: receipts.check(inbox.problem),
        "trial": agrees,
        "orders": lambda: orders.check(None if ordered is None else ordered.problem()),
        "revoked": lambda: revoked.check(base.revoked),
    }


def _states(base: Base, stores: Stores, cameras: Mapping[str, WatchedCamera], problems: Problems) -> States:
    return States(
        signer=base.signer,
        device=Device(
            name=base.settings.device_id,
            software=base.software,
            liveness_available=base.pack.liveness is not None,
            log_key=None if base.log_key is None else base.log_key.key_id.hex(),
        ),
        cameras=cameras,
        outbox=stores.outbox,
        gallery=stores.gallery,
        problems=problems.find,
        clock=base.pulses.clock("link"),
    )


def _link(base: Base, stores: Stores, own: SelfKnowledge, inbox: Inbox, states: States) -> Link:
    def new_sender() -> Sender:
        settings = base.settings
        return Sender(outbox=stores.outbox, signer=base.signer, device=settings.device_id, limits=settings.link, clock=base.clock)

    return Link(
        settings=base.settings,
        new_sender=new_sender,
        next_connection=stores.outbox.next_connection,
        make_room=own.books.make_room,
        noticed=own.soundness.note,
        identity=lambda: base.signer.kid,
        inbox=inbox,
        states=states,
        clock=base.pulses.clock("link"),
        metrics=base.metrics,
    )


def _health(base: Base, stores: Stores, agent: Agent, link: Link, states: States, problems: Problems) -> HealthReport:
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
