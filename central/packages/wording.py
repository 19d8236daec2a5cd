"""What the readable report says, in one language: sections of facts, tables and pictures. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from central.captures.model import CaptureView
from central.china import local_text
from central.keys import CentreKeys
from central.packages.contents import Told, event_name
from central.packages.media import Shown
from central.packages.model import Package, Speaker, StampKind
from contract.sealed import to_text

_LONGEST = 300
"""Rows of one table: the documents beside the report hold all of them."""


def part(
    speaker: Speaker, told: Told, asked: Package, shown: Sequence[Shown], keys: CentreKeys, pictures: Mapping[str, str | None]
) -> dict[str, Any]:
    """The report in one language."""
    say = speaker.text
    marked = told.marking
    banner = {
        "good": marked.reviewed,
        "text": say("package.reviewed" if marked.reviewed else "package.unreviewed"),
        "points": [speaker.code("package_missing", each) for each in marked.missing],
    }
    sections = [
        _what(speaker, told, asked),
        _seen(speaker, told, shown, pictures),
        _billed(speaker, told),
        _decided(speaker, told),
        _reviewed(speaker, told),
        _signed(speaker, told, keys),
        _hashes(speaker, told, shown),
        _custody(speaker, told),
        _how(speaker, asked, keys),
    ]
    return {
        "lang": speaker.language,
        "title": say("package.report_title"),
        "subtitle": say("package.subtitle", jr_id=asked.jr_id, package=asked.package_id),
        "banner": banner,
        "neutral": say("package.neutral"),
        "sections": sections,
    }


def _block(
    *,
    title: str | None = None,
    texts: Sequence[str] = (),
    facts: Sequence[tuple[str, object]] = (),
    table: Mapping[str, Any] | None = None,
    pictures: Sequence[Mapping[str, Any]] = (),
    hashes: Sequence[tuple[str, object]] = (),
) -> dict[str, Any]:
    rows = [[name, str(value), False] for name, value in facts] + [[name, str(value), True] for name, value in hashes]
    return {"title": title, "texts": list(texts), "facts": rows, "table": table, "pictures": list(pictures)}


def _section(speaker: Speaker, name: str, *blocks: Mapping[str, Any]) -> dict[str, Any]:
    return {"title": speaker.text(f"package.section_{name}"), "blocks": list(blocks)}


def _table(speaker: Speaker, columns: Sequence[tuple[str, int]], rows: Sequence[Sequence[object]]) -> dict[str, Any]:
    shown = [[str(value) for value in row] for row in rows[:_LONGEST]]
    if len(rows) > _LONGEST:
        shown.append([speaker.text("package.more_rows", n=len(rows) - _LONGEST), *([""] * (len(columns) - 1))])
    return {"head": [speaker.text(name) for name, _ in columns], "widths": [width for _, width in columns], "rows": shown}


def _what(speaker: Speaker, told: Told, asked: Package) -> dict[str, Any]:
    say, finding, site = speaker.text, told.read.finding, told.documents["site"]["site"]
    facts = [
        (say("package.rule"), f"{speaker.code('rule', finding.rule_id)} ({finding.rule_id} v{finding.rule_version})"),
        (say("finding.says"), finding.vola_cont_en if speaker.language == "en" else finding.vola_cont),
        (say("finding.behaviour"), speaker.code("vola_bhvr_type", finding.vola_bhvr_type)),
        (say("findings.severity"), speaker.code("sev_deg", finding.sev_deg)),
        (say("findings.status"), speaker.code("status", finding.status)),
        (say("findings.site"), f"{site['fixmedins_name']} {finding.fixmedins_code} ({site['admdvs']})"),
        (say("findings.psn_no"), " ".join(finding.vola_evid["psn_nos"]) or "—"),
        (say("findings.occurred"), _when(finding.occurred_at)),
        (say("package.found"), _when(finding.found_at)),
        (say("findings.amount"), _yuan(finding.vola_amt)),
        (say("finding.basis"), finding.legal_basis),
    ]
    limits = [(speaker.code("limit", name), value) for name, value in finding.limits.items()]
    made = [
        (say("package.exported"), f"{_when(asked.exported_at)} {asked.exported_by}"),
        (say("package.purpose"), asked.purpose),
        (say("package.times"), say("package.times_note")),
    ]
    limits_block = _block(title=say("finding.limits"), facts=limits)
    return _section(speaker, "what", _block(facts=facts), limits_block, _block(title=say("package.made"), facts=made))


def _seen(speaker: Speaker, told: Told, shown: Sequence[Shown], pictures: Mapping[str, str | None]) -> dict[str, Any]:
    captures = {each.capture.capture_id: each.capture for each in told.read.sightings}
    enrolled = [_picture(speaker, each, pictures) for each in shown if each.wanted.capture_id is None]
    blocks = [_capture(speaker, capture, shown, pictures, enrolled) for capture in captures.values()]
    return _section(speaker, "seen", *(blocks or [_block(texts=[speaker.text("finding.no_capture")])]))


def _capture(
    speaker: Speaker,
    capture: CaptureView,
    shown: Sequence[Shown],
    pictures: Mapping[str, str | None],
    against: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    say = speaker.text
    facts: list[tuple[str, object]] = [
        (say("finding.outcome"), speaker.code("outcome", capture.outcome)),
        (say("finding.reasons"), "; ".join(speaker.code("reason", each) for each in capture.reasons) or "—"),
        (say("finding.similarity"), "—" if capture.similarity is None else f"{capture.similarity:.3f}"),
        (say("finding.liveness"), speaker.code("liveness", capture.liveness)),
        (say("finding.persons"), capture.persons),
        (say("finding.frames"), say("finding.frames_of", used=capture.frames_used, seen=capture.frames_seen)),
        (say("package.opened_closed"), f"{_when(capture.opened_at)} – {_when(capture.closed_at)}"),
        (say("finding.closing"), speaker.code("closing", capture.closing)),
        (say("finding.device"), f"{capture.device_id} / {capture.window}"),
        ("msgid", capture.msgid),
        ("setl_id", capture.setl_id or "—"),
    ]
    if capture.opter is not None:
        by_hand = f"{speaker.code('manual_reason', capture.manual_reason)}; {say('finding.opter')} {capture.opter}"
        facts.append(
            (say("finding.by_hand"), by_hand + (f"; {say('finding.proxy')} {capture.manual_proxy}" if capture.manual_proxy else ""))
        )
    ran = [(name, value) for name, value in sorted(capture.software.items())]
    mine = [_picture(speaker, each, pictures) for each in shown if each.wanted.capture_id == capture.capture_id]
    return _block(title=f"{say('finding.capture')} {_when(capture.opened_at)}", facts=facts, hashes=ran, pictures=[*against, *mine])


def _picture(speaker: Speaker, each: Shown, pictures: Mapping[str, str | None]) -> dict[str, Any]:
    caption = f"{speaker.code('package_role', each.wanted.role)} · {each.member.rsplit('/', 1)[-1][:12]}…"
    note = speaker.text("package.film_note" if each.content is None else "package.cannot_show")
    return {"file": pictures.get(each.wanted.media_id), "caption": caption, "note": note}


def _billed(speaker: Speaker, told: Told) -> dict[str, Any]:
    columns = [("package.setl_id", 4), ("findings.psn_no", 5), ("finding.setl_time", 5), ("finding.med_type", 4)]
    columns += [("finding.total", 3), ("finding.fund", 3), ("finding.own_account", 3)]
    rows = [
        (
            *(each.setl_id, each.psn_no, _when(each.setl_time), speaker.code("med_type", each.med_type)),
            *(_yuan(amount) for amount in (each.medfee_sumamt, each.fund_pay_sumamt, each.acct_pay)),
        )
        for each in told.read.settlements
    ]
    from_import = [
        (
            claim["settlement"]["setl_id"],
            f"{claim['import']['import_id']} · {claim['import']['source']} · SHA-256 {claim['import']['sha256']}",
        )
        for claim in told.documents["claims"]
        if claim["settlement"] is not None
    ]
    if not rows:
        return _section(speaker, "billed", _block(texts=[speaker.text("finding.nothing_billed")]))
    imports = _block(title=speaker.text("package.imports"), hashes=from_import)
    return _section(speaker, "billed", _block(table=_table(speaker, columns, rows)), imports)


def _decided(speaker: Speaker, told: Told) -> dict[str, Any]:
    reviews = told.read.finding.reviews
    if not reviews:
        return _section(speaker, "decided", _block(texts=[speaker.text("package.not_decided")]))
    facts = [(_when(each.at), f"{speaker.code('verdict_given', each.verdict)} · {each.account}: {each.reason}") for each in reviews]
    return _section(speaker, "decided", _block(facts=facts))


def _reviewed(speaker: Speaker, told: Told) -> dict[str, Any]:
    say = speaker.text
    stamps = [
        (
            speaker.code("stamp_kind", each["kind"]),
            f"{speaker.code('stamp_result', each['result'])} · {each['account']} · {_text_time(each['at'])}: {each['reason']}",
        )
        for each in told.documents["reviews"]["stamps"]
    ]
    approvals = []
    for each in told.documents["site"]["standing_when_seen"][:1]:
        for kind in ("legal", "technical", "sign", "publication"):
            approval = each[kind]
            said = say("package.no_approval") if approval is None else _approval(say, approval)
            approvals.append((speaker.code("package_approval", kind), said))
    none = [say("package.no_stamp", kind=speaker.code("stamp_kind", kind.value)) for kind in StampKind]
    return _section(
        speaker,
        "reviewed",
        _block(title=say("package.stamps"), facts=stamps, texts=[] if stamps else none),
        _block(title=say("package.approvals"), facts=approvals),
    )


def _approval(say: Any, approval: Mapping[str, Any]) -> str:
    until = approval["valid_until"] or say("package.without_end")
    return f"{approval['reference']} · {approval['approved_by']} · {approval['approved_on']} – {until}"


def _signed(speaker: Speaker, told: Told, keys: CentreKeys) -> dict[str, Any]:
    say = speaker.text
    periods = [
        (each["device"], each["kid"], _text_time(each["valid_from"]), _until(speaker, each)) for each in told.documents["keys"]["devices"]
    ]
    columns = [("package.device", 4), ("package.kid", 8), ("package.from", 4), ("package.until", 5)]
    events = [(event_name(each).partition("/")[2], each.kind, _when(each.at), _when(each.received_at)) for each in told.events]
    named = [("package.event", 7), ("package.kind", 3), ("package.at", 4), ("package.received", 4)]
    centre = [(say("package.centre_key"), keys.signer.kid), (say("package.log_key"), keys.log_vkey)]
    return _section(
        speaker,
        "signed",
        _block(title=say("package.events"), table=_table(speaker, named, events)),
        _block(title=say("package.keys"), table=_table(speaker, columns, periods)),
        _block(title=say("package.centre"), hashes=centre),
    )


def _until(speaker: Speaker, key: Mapping[str, Any]) -> str:
    if key["revoked_at"] is not None:
        return f"{speaker.text('package.revoked')} {_text_time(key['revoked_at'])}"
    return speaker.text("package.in_force") if key["retired_at"] is None else _text_time(key["retired_at"])


def _hashes(speaker: Speaker, told: Told, shown: Sequence[Shown]) -> dict[str, Any]:
    say = speaker.text
    rows = []
    for each in shown:
        rows.append((f"{speaker.code('package_role', each.wanted.role)} · {say('package.sealed')}", each.wanted.media_id))
        rows.append((f"{speaker.code('package_role', each.wanted.role)} · {say('package.opened')}", each.sha256))
    here = {each.wanted.media_id for each in shown}
    gone = [
        (f"{speaker.code('package_role', one.role)} · {say('package.absent')}", one.media_id)
        for each in told.read.sightings
        for one in each.capture.media
        if one.media_id not in here
    ]
    signed = [(event_name(each).partition("/")[2][-40:], each.sha256) for each in told.events]
    return _section(speaker, "hashes", _block(texts=[say("package.hashes_note")], hashes=rows + gone + signed))


def _custody(speaker: Speaker, told: Told) -> dict[str, Any]:
    columns = [("audit.number", 2), ("audit.at", 5), ("audit.actor", 4), ("audit.action", 5), ("audit.object", 7), ("package.purpose", 5)]
    rows = [
        (
            each.audit_id,
            _when(each.at),
            each.actor,
            speaker.code("audit_action", each.action),
            each.object if len(each.object) <= 28 else f"{each.object[:26]}…",
            str(each.detail.get("purpose") or each.detail.get("why") or each.detail.get("reason") or ""),
        )
        for each in told.custody
    ]
    return _section(speaker, "custody", _block(texts=[speaker.text("package.custody_note")], table=_table(speaker, columns, rows)))


def _how(speaker: Speaker, asked: Package, keys: CentreKeys) -> dict[str, Any]:
    told = speaker.text("package.how", package=asked.package_id, public=to_text(keys.signer.public))
    return _section(speaker, "how", _block(texts=[line for line in told.split("\n") if line.strip()]))


def _when(moment: datetime) -> str:
    return local_text(moment)


def _text_time(text: str) -> str:
    return local_text(datetime.fromisoformat(text))


def _yuan(amount: Decimal) -> str:
    return f"{amount:,.2f}"
