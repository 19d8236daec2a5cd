"""The life of orders on PostgreSQL, as on SQLite."""

from datetime import timedelta
from pathlib import Path

from central.audit import service as audit
from central.captures import service as captures
from central.devices import service as devices
from central.orders import service as orders
from central.orders.model import Kind, State
from contract.events import Headcount, MediaRef, MediaRole
from contract.topics import Up
from tests import builders
from tests.builders import AT, DEVICE, MSGID, SITE
from tests.central.building import Terminal, make_centre, make_intake, take
from tests.central.told import asking, coverage, result, watched
from tests.postgres import private_postgres

REF = MediaRef(media_id="c" * 64, role=MediaRole.CLIP, content_type="video/webm", size=10)


def test_orders_live_and_end_on_postgresql_too(tmp_path: Path) -> None:
    with private_postgres(tmp_path) as url:
        centre = make_centre(tmp_path / "centre", database_url=url)
        terminal, intake = Terminal(centre).register(), make_intake(centre)
        take(centre, intake, terminal.send(Up.STATE, builders.birth()))
        with centre.engine.begin() as db:
            film = orders.ask_film(db, DEVICE, msgid=MSGID, by=asking())
            set_so = orders.ask_configure(db, DEVICE, {"limits": {"same": 0.7}}, by=asking())
            ended = orders.ask_revoke(db, DEVICE, "moved", by=asking(valid_for=timedelta(days=1)))
            assert [order.request for order in orders.due(db, AT)] == sorted([film.request, set_so.request, ended.request])
            orders.note_sent(db, film, now=AT)
            assert orders.get(db, film.request, now=AT).state is State.SENT
        people = Headcount(role="window", entered=4, stayed=2, most_at_once=3)
        hours = (watched(AT - timedelta(hours=1)), watched(AT - timedelta(hours=2), blind=(("dark", 5.5),), seen_s=3594.5, people=people))
        take(
            centre,
            intake,
            terminal.event(builders.footage, request=film.request, media=(REF,), missing=None),
            terminal.event(result, request=set_so.request, result="refused", why="busy", detail="按"),
            terminal.event(result, request="f" * 32),
            terminal.event(lambda **place: coverage(*hours, **place)),
        )
        with centre.engine.begin() as db:
            found = orders.list_orders(db, kinds={Kind.CONFIGURE}, now=AT).rows[0]
            assert (found.result, found.why, found.detail, found.body["settings"]) == ("refused", "busy", "按", {"limits": {"same": 0.7}})
            shown = captures.footage_of(db, DEVICE, film.request)
            assert shown is not None and [media.media_id for media in shown.media] == [REF.media_id]
            (day,) = captures.coverage(db, SITE, AT.date(), now=AT + timedelta(hours=1))
            assert (day.seen_s, day.blind_s, day.people is not None and day.people.entered) == (7194.5, {"dark": 5.5}, 4)
            assert [row.kind for row in captures.irregularities(db, kind="unasked").rows] == ["unasked"]
            assert orders.open_counts(db, AT) == {DEVICE: 1}
            (over,) = orders.to_retire(db, AT + timedelta(days=1))
            orders.retire(db, over, now=AT)
            assert devices.device_ids(db) == []
            assert audit.verify_chain(db).intact
        centre.engine.dispose()
