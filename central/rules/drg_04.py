"""DRG-04 进销存不符: more of an item was billed than the institution ever had."""

import ibis
import ibis.expr.types as ir
from pydantic import Field

from central.engines.identifiers import missing, plain, word
from central.rules.base import DAY, IMPLEMENTING_RULES, Explanation, Hit, Limits, Rule, Severity, Tables, china_day
from central.rules.bills import ONE, gathered, sold, span_en, span_zh

_SAME = ("fixmedins_code", "med_list_codg")
_OPENING, _PURCHASE, _RETURN, _SALE = "opening", "purchase", "return", "sale"


class StockLimits(Limits):
    """How far bills may go beyond stock."""

    over_percent: int = Field(
        default=5, ge=0, le=1000, description="Percent of what was there by which bills may exceed it: counting noise."
    )
    over_packs: int = Field(default=3, ge=0, le=100_000, description="Packs by which bills may exceed it besides: a shelf miscounted.")
    told_days: int = Field(
        default=30,
        ge=1,
        le=365,
        description="Days after the institution's last word on its stock within which its bills are still compared.",
    )


def find(tables: Tables, limits: StockLimits) -> ir.Table:
    """Institutions and items billed beyond opening + purchases - returns, counted from each stock-taking to the next.

    Without a stock-taking nothing is said. What was lost is not deducted; what is delivered at any time until the next stock-taking
    counts, however late it was booked; packs sold in parts are left out.
    """
    stock = tables.stock.filter(tables.stock.movement.isin([_OPENING, _PURCHASE, _RETURN]))
    moves = _moves(stock.semi_join(_doubted(stock, tables.details, limits), _SAME))
    sales = _sales(tables, moves, limits)
    nothing = {"setl_id": missing(sales.setl_id), "psn_no": missing(sales.psn_no), "fen": ibis.literal(0, "int64")}
    sold_ = sales.select(*_SAME, "setl_id", "psn_no", "fen", "cnt", at="setl_time", kind=ibis.literal(_SALE))
    events = _numbered(moves.mutate(**nothing).select(*sold_.columns).union(sold_))
    period = ibis.window(group_by=[events.fixmedins_code, events.med_list_codg, events.period])
    events = events.mutate(
        counted_at=events["at"].min().over(period),
        there=ibis.greatest(_sum(events, _OPENING, period) + _sum(events, _PURCHASE, period) - _sum(events, _RETURN, period), 0),
        billed=_sum(events, _SALE, period),
    )
    events = events.mutate(over=events.billed - events.there)
    beyond = (events.over > limits.over_packs * ONE) & (events.over * 100 > events.there * limits.over_percent)
    return _found(events.filter(events.period > 0, beyond, events.kind == _SALE))


def _moves(stock: ir.Table) -> ir.Table:
    """Movements of items whose stock was ever taken; stock-takings of one day are one, at its first moment."""
    taken = stock.filter(stock.movement == _OPENING)
    taken = taken.group_by(*_SAME, day=china_day(taken.moved_at)).agg(at=taken.moved_at.min(), cnt=taken.cnt.sum().cast("int64"))
    others = stock.filter(stock.movement != _OPENING).semi_join(taken, _SAME)
    opening = taken.select(*_SAME, "at", kind=ibis.literal(_OPENING), cnt="cnt")
    return opening.union(others.select(*_SAME, at="moved_at", kind="movement", cnt="cnt"))


def _doubted(stock: ir.Table, details: ir.Table, limits: StockLimits) -> ir.Table:
    """Institutions and items that may be found at all; the exact comparison sorts all that happened, so most are spared it.

    Billed at any time, returns of patients not deducted, against the first stock-taking and what followed; or stock-takings on several
    days.
    """
    taken = stock.filter(stock.movement == _OPENING)
    takings = taken.group_by(*_SAME).agg(first_at=taken.moved_at.min(), last_at=taken.moved_at.max())
    takings = takings.mutate(several=china_day(takings.first_at) < china_day(takings.last_at))
    since = stock.join(takings, _SAME)
    since = since.filter(since.moved_at >= since.first_at)
    signed = (since.movement == _RETURN).ifelse(-since.cnt, since.cnt)
    there = since.group_by(*_SAME, "several").agg(there=signed.sum().cast("int64"))
    lines = details.filter(details.cnt > 0).semi_join(takings, _SAME)
    gross = lines.group_by(*_SAME).agg(gross=lines.cnt.sum().cast("int64"))
    both = there.join(gross, _SAME)
    return both.filter(both.several | (both.gross > both.there + limits.over_packs * ONE)).select(*_SAME)


def _sales(tables: Tables, moves: ir.Table, limits: StockLimits) -> ir.Table:
    """What is left of bills of these items after refunds, as long as the institution told of its stock."""
    lines = tables.details.semi_join(moves, _SAME).filter(tables.details.trdn_flag.fill_null(0) != 1, tables.details.cnt.notnull())
    told = tables.stock.group_by("fixmedins_code").agg(told_at=tables.stock.moved_at.max())
    left = sold(tables, lines, "med_list_codg").join(told, "fixmedins_code")
    return left.filter(left.setl_time <= left.told_at + limits.told_days * DAY)


def _numbered(events: ir.Table) -> ir.Table:
    """Events with `period`: how many stock-takings there had been; at one moment the stock-taking comes first."""
    opening = (events.kind == _OPENING).cast("int64")
    events = events.mutate(opening=opening)
    until_here = ibis.cumulative_window(
        group_by=[events.fixmedins_code, events.med_list_codg], order_by=[events["at"], events.opening.desc(), events.kind, events.cnt]
    )
    return events.mutate(period=events.opening.sum().over(until_here).cast("int64"))


def _sum(events: ir.Table, kind: str, period: ibis.expr.builders.WindowBuilder) -> ir.IntegerColumn:
    return (events.kind == kind).ifelse(events.cnt, 0).sum().over(period).cast("int64")


def _found(bills: ir.Table) -> ir.Table:
    """Findings with the bills of their period; the amount is the share that no stock covers, at the period's mean price."""
    keys = (*_SAME, "counted_at", "there", "billed", "over")
    items = gathered(bills.mutate(setl_time=bills["at"], capture_id=ibis.null("string")), *keys)
    share = items.amount_fen.cast("float64") * items.over.cast("float64") / items.billed.cast("float64")
    return items.drop("persons", "psn_nos").mutate(
        amount_fen=share.floor().cast("int64"),
        subject_key=word(items.fixmedins_code) + "/" + plain(items.med_list_codg) + "-" + china_day(items.counted_at).cast("string"),
        psn_no=ibis.null("string"),
        psn_nos=ibis.null("array<string>"),
        sev_deg=ibis.literal(Severity.MED.value),
    )


def explain(hit: Hit, limits: StockLimits) -> Explanation:
    """Names what was there, what was billed, and what is missing."""
    item, there, billed, over = (hit.seen[name] for name in ("med_list_codg", "there", "billed", "over"))
    return Explanation(
        zh=(
            f"{span_zh(hit)}，机构{hit.fixmedins_code}的{item}在{hit.seen['bills']}笔结算中共销售{_packs(billed)}，而期初库存加购进减退货仅"
            f"{_packs(there)}，多出{_packs(over)}。标准：超出{limits.over_percent}%且超出{limits.over_packs}个包装。已扣除退药，损耗不扣减，拆零销售不计；"
            f"未上报期初库存的不比对。"
        ),
        en=(
            f"{span_en(hit)}, {hit.fixmedins_code}: {_packs(billed)} of {item} were billed in {hit.seen['bills']} settlements, while "
            f"opening stock and purchases less returns were {_packs(there)}: {_packs(over)} too many. Limits: more than "
            f"{limits.over_percent} % and more than {limits.over_packs} packs. Returned drugs are deducted, losses are not, packs sold in "
            f"parts are left out; items without a stock-taking are not compared."
        ),
    )


def _packs(thousandths: int) -> str:
    return f"{thousandths / ONE:g}"


RULE = Rule(
    id="DRG-04",
    version=1,
    by="fixmedins_code",
    name_zh="进销存不符",
    name_en="stock mismatch",
    behaviour="进销存不符（疑似串换）",
    legal_basis=f"《医疗保障基金使用监督管理条例》第三十八条第（四）项；{IMPLEMENTING_RULES}",
    limits=StockLimits,
    find=find,
    explain=explain,
)
