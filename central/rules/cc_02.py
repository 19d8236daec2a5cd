"""CC-02 一卡多脸: one card settled with several living faces, more than its owner and the registered proxies."""

import ibis
import ibis.expr.types as ir
from pydantic import Field

from central.engines.identifiers import plain
from central.rules.base import DAY, IMPLEMENTING_RULES, Explanation, Hit, Limits, Rule, Severity, Tables
from central.rules.bills import gathered, span_en, span_zh
from central.rules.excuses import looked_at
from central.rules.faces import sure_faces
from central.rules.spans import crowded
from contract.events import Liveness, Outcome

_OWN = 0
"""Stands for the owner's face: no group has this number."""


class ManyFacesLimits(Limits):
    """How many faces within how long."""

    window_days: int = Field(default=30, ge=1, le=180, description="Days within which the faces of one card are counted.")
    faces: int = Field(
        default=3,
        ge=2,
        le=100,
        description="Different living faces within window_days, registered proxies deducted; owner and a helper are two.",
    )
    newest_settlements: int = Field(default=1000, ge=10, le=10_000, description="Settlements of one card that are looked at, newest first.")


def find(tables: Tables, limits: ManyFacesLimits) -> ir.Table:
    """One row per card. Only living faces of sure groups count, and each registered proxy explains one, whenever he was registered.

    The owner's face counts once, however many groups it fell into: every capture that was recognised, every group that one of these
    belongs to, and every capture that the window compared with the owner and left undecided.
    """
    seen = sure_faces(looked_at(tables))
    seen = seen.filter(seen.liveness == Liveness.LIVE.value, seen.proxy_psn_no.isnull())
    maybe_own = (seen.outcome == Outcome.SAME.value) | ((seen.outcome == Outcome.UNDECIDED.value) & seen.similarity.notnull())
    columns = ("psn_no", "fixmedins_code", "setl_id", "setl_time", "capture_id", "face_group", "outcome")
    seen = seen.select(*columns, maybe_own=maybe_own, fen=seen.net_fund + seen.net_acct)
    strange = seen.filter(~seen.maybe_own)
    cards = strange.group_by("psn_no").agg(strangers=strange.face_group.nunique())
    seen = seen.semi_join(cards.filter(cards.strangers >= limits.faces - 1), "psn_no")  # hardly any card, so this goes first
    seen = seen.distinct()  # each is another row anyway: what stands behind DISTINCT is computed once, however often it is named
    groups = seen.filter(seen.outcome == Outcome.SAME.value).select("psn_no", "face_group", owner=ibis.literal(True)).distinct()
    both = seen.left_join(groups, ["psn_no", "face_group"])
    faces = both.select(
        *[both[name] for name in ("psn_no", "fixmedins_code", "setl_id", "setl_time", "capture_id", "fen")],
        face=(both.maybe_own | both.owner.fill_null(False)).ifelse(_OWN, both.face_group),
        row_id=both.capture_id,
    )
    proxies = tables.proxies.group_by("psn_no").agg(proxies=tables.proxies.proxy_psn_no.nunique())
    counted = faces.left_join(proxies, "psn_no")
    counted = counted.select(
        *[counted[name] for name in faces.columns],
        proxies=counted.proxies.fill_null(0),
        needed=(counted.proxies.fill_null(0) + limits.faces).cast("int64"),
    )
    many = crowded(counted, "psn_no", thing="face", us=limits.window_days * DAY, newest=limits.newest_settlements)
    newest = ibis.row_number().over(group_by=many.psn_no, order_by=[many.setl_time.desc(), many.capture_id])
    last = many.mutate(newest=newest).filter(lambda t: t.newest == 0).select("psn_no", "fixmedins_code")
    found = gathered(
        many, "psn_no", faces=lambda t: t.face.nunique(), proxies=lambda t: t.proxies.max(), sites=lambda t: t.fixmedins_code.nunique()
    ).join(last, "psn_no")
    return found.mutate(subject_key=plain(found.psn_no) + "/faces", sev_deg=ibis.literal(Severity.MED.value))


def explain(hit: Hit, limits: ManyFacesLimits) -> Explanation:
    """Says how the owner and proxies were counted; whose faces they are, nobody knows."""
    faces, proxies, bills, sites = (hit.seen[name] for name in ("faces", "proxies", "bills", "sites"))
    return Explanation(
        zh=(
            f"{span_zh(hit)}，参保人{hit.psn_no}的凭证在{sites}家机构的{bills}笔结算中先后出现{faces}张不同的活体人脸。标准：{limits.window_days}日内"
            f"{limits.faces}张及以上，另加每名已登记代办人一张（现有{proxies}名）。本人被识别或比对后未能判定的画面合计只算一张；可疑分组、"
            f"非活体和不使用人脸人员的画面不计。"
        ),
        en=(
            f"{span_en(hit)}: with the card of insured person {hit.psn_no}, {faces} different living faces appeared in {bills} settlements "
            f"at {sites} institutions. Limit: {limits.faces} within {limits.window_days} days, and one more for each registered proxy "
            f"({proxies}). Captures in which the owner was recognised, or was compared and left undecided, count as one face together; "
            f"doubtful groupings, what is not surely alive, and persons who do not use the face are left out."
        ),
    )


RULE = Rule(
    id="CC-02",
    version=1,
    by="psn_no",
    name_zh="一卡多脸",
    name_en="one card, many faces",
    behaviour="将本人医疗保障凭证交由他人冒名使用",
    legal_basis=f"《医疗保障基金使用监督管理条例》第四十一条第一款第（一）项；{IMPLEMENTING_RULES}",
    limits=ManyFacesLimits,
    find=find,
    explain=explain,
)
