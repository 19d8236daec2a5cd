"""One face and many cards: which visits make too many persons of one face within a span, when nothing explains it."""

from collections.abc import Sequence
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from central.engines.identifiers import nobodys
from contract.events import Outcome

_DOUBTFUL = "doubtful"
_OF_VISITS = ("fixmedins_code", "setl_id", "psn_no", "setl_time", "capture_id", "face_group", "outcome", "net_fund", "net_acct")


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """So many cards of different persons within so many microseconds are too many."""

    us: int
    cards: int


def sure_faces(visits: ir.Table) -> ir.Table:
    """Visits with a face group that is none of the doubtful ones."""
    return visits.filter(visits.face_group.notnull(), visits.face_band != _DOUBTFUL)


def many_cards(
    visits: ir.Table, proxies: ir.Table, *, keys: Sequence[str], spans: Sequence[Span], newest: int, lookalikes: int
) -> ir.Table:
    """The visits that make too many persons of one face, with what findings tell of them, and `span_us`, the shortest span that each was
    counted in.

    `keys` part the faces. Persons of whom one is the registered proxy of the other, or who share a registered proxy, count as one: the face
    may be the proxy's. So do the persons whom windows recognised under one face, while there are no more than `lookalikes` of them: twins
    look alike. Of those who count as one only the first is given, where there is a choice. Of each face only so many newest visits are
    looked at, and every visit is compared with those of its face in the span before it, so a face costs at most `newest` squared.
    """
    seen = _crowded(sure_faces(visits).select(*_OF_VISITS), keys, min(span.cards for span in spans), newest)
    seen = _counted_as(seen, proxies, keys, lookalikes)
    counted = ibis.union(*(_too_many(seen, keys, span).mutate(span_us=ibis.literal(span.us, "int64")) for span in spans))
    hits = seen.join(counted.group_by("capture_id").agg(span_us=counted.span_us.min()), "capture_id")
    first = hits.filter(hits.psn_no == hits.person)
    return first.union(hits.filter(hits.psn_no != hits.person).anti_join(first, [*keys, "person"]))


def _crowded(known: ir.Table, keys: Sequence[str], cards: int, newest: int) -> ir.Table:
    """The newest visits of faces that used enough cards; all others cannot count, and most faces used one."""
    faces = known.group_by(*keys).agg(face_cards=known.psn_no.nunique())
    crowded = known.join(faces.filter(faces.face_cards >= cards), list(keys))
    order = [crowded.setl_time.desc(), crowded.capture_id]
    age = ibis.row_number().over(group_by=[crowded[key] for key in keys], order_by=order)
    return crowded.mutate(age=age).filter(lambda t: t.age < newest)


def _counted_as(seen: ir.Table, proxies: ir.Table, keys: Sequence[str], lookalikes: int) -> ir.Table:
    """The visits with `person`: as whom each counts, the smallest of those with whom one face may be shared by right, over two steps."""
    columns = ("capture_id", *keys, "psn_no")
    own = seen.select(*columns, holder=seen.psn_no)
    register = proxies.select(
        proxy_of=proxies.psn_no, holder=proxies.proxy_psn_no, valid_from=proxies.valid_from, valid_to=proxies.valid_to
    )
    valid = [seen.psn_no == register.proxy_of, seen.setl_time >= register.valid_from, seen.setl_time < register.valid_to]
    by_proxy = seen.join(register, valid).select(*columns, "holder")
    holders = ibis.union(own, by_proxy, _themselves(seen, keys, lookalikes).select(*columns, holder=nobodys(own.holder)))
    firsts = holders.group_by(*keys, "holder").agg(first=holders.psn_no.min())
    shared = holders.join(firsts, [*keys, "holder"])
    near = seen.join(shared.group_by("capture_id").agg(near=shared.first.min()), "capture_id")
    further = near.group_by(*keys, near=near.psn_no).agg(person=near.near.min())
    return near.join(further, [*keys, "near"])


def _themselves(seen: ir.Table, keys: Sequence[str], lookalikes: int) -> ir.Table:
    """Visits of persons who were recognised, where one face is that of few persons."""
    recognised = seen.filter(seen.outcome == Outcome.SAME.value)
    alike = recognised.group_by(*keys).agg(alike=recognised.psn_no.nunique())
    return recognised.semi_join(alike.filter(alike.alike <= lookalikes), list(keys))


def _too_many(seen: ir.Table, keys: Sequence[str], span: Span) -> ir.Table:
    """capture_id of the visits within a span (ending with some visit) that holds cards of too many persons."""
    enough = seen.filter(seen.face_cards >= span.cards)
    last = enough.select(*keys, span=enough.capture_id, until=enough.setl_time)
    pairs = enough.join(last, list(keys))
    within = pairs.filter(pairs.setl_time <= pairs.until, pairs.setl_time >= pairs.until - span.us).select("span", "capture_id", "person")
    full = within.group_by("span").agg(persons=within.person.nunique())
    return within.semi_join(full.filter(full.persons >= span.cards), "span").select("capture_id").distinct()
