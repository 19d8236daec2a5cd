"""DRG-03 追溯码重复: one pack was sold more than once."""

import ibis
import ibis.expr.types as ir
from pydantic import Field

from central.engines.identifiers import plain
from central.rules.base import IMPLEMENTING_RULES, Explanation, Hit, Limits, Rule, Severity, Tables
from central.rules.bills import ONE, gathered, sold, span_en, span_zh

_CODE = "drug_trac_codg"


class RepeatedPackLimits(Limits):
    """What counts as a code of a pack."""

    sales: int = Field(default=2, ge=2, le=100, description="Sales of one pack that stand; a pack is sold once.")
    least_length: int = Field(
        default=8, ge=1, le=50, description="Characters of a code that tells packs apart; shorter ones are placeholders of some till."
    )


def find(tables: Tables, limits: RepeatedPackLimits) -> ir.Table:
    """Codes with more than one sale that stands. A pack that was given back may be sold again; parts of one pack are no second pack.

    The first sale is the pack's own: the amount is that of the others.
    """
    coded = tables.details.filter(tables.details[_CODE].length() >= limits.least_length)
    coded = coded.filter(coded[_CODE].replace(coded[_CODE].substr(0, 1), "") != "")
    often = coded.group_by(_CODE).agg(lines=coded.count(), parts=coded.trdn_flag.fill_null(0).max())
    sales = sold(tables, coded.semi_join(often.filter(often.lines >= limits.sales, often.parts != 1), _CODE), _CODE)
    packs = sales.group_by(_CODE).agg(sales=sales.count(), packs=sales.cnt.sum())
    again = sales.join(packs.filter(packs.sales >= limits.sales, packs.packs > ONE), _CODE)
    place = ibis.row_number().over(group_by=again[_CODE], order_by=[again.setl_time, again.fixmedins_code, again.setl_id])
    again = again.mutate(place=place, capture_id=ibis.null("string"))
    again = again.mutate(fen=(again.place > 0).ifelse(again.fen, 0))
    codes = gathered(again, _CODE, fixmedins_code=lambda t: t.fixmedins_code.argmax(t.place), sites=lambda t: t.fixmedins_code.nunique())
    return codes.mutate(subject_key=plain(codes[_CODE]) + "/sold", psn_no=ibis.null("string"), sev_deg=ibis.literal(Severity.HIGH.value))


def explain(hit: Hit, limits: RepeatedPackLimits) -> Explanation:
    """Names the code, and how many sales stand."""
    code, bills, sites = hit.seen[_CODE], hit.seen["bills"], hit.seen["sites"]
    return Explanation(
        zh=(
            f"{span_zh(hit)}，药品追溯码{code}在{sites}家机构的{bills}笔有效结算中重复出现（涉及{hit.seen['persons']}名参保人）。标准：同一追溯码有效"
            f"销售{limits.sales}次及以上；一盒药只应销售一次。已剔除退药后再售、拆零销售，以及不足{limits.least_length}位或各位相同的占位码。"
        ),
        en=(
            f"{span_en(hit)}: the trace code {code} appears in {bills} standing settlements at {sites} institutions "
            f"({hit.seen['persons']} insured persons). Limit: {limits.sales} sales of one code; a pack is sold once. Left out: packs sold "
            f"again after a return, packs sold in parts, and placeholder codes (shorter than {limits.least_length} characters, or one "
            f"character repeated)."
        ),
    )


RULE = Rule(
    id="DRG-03",
    version=1,
    by="drug_trac_codg",
    name_zh="追溯码重复",
    name_en="repeated trace code",
    behaviour="追溯码重复（疑似回流药或串换）",
    legal_basis=f"《医疗保障基金使用监督管理条例》第三十八条第（五）项；药品追溯码“一码一售”监管要求；{IMPLEMENTING_RULES}",
    limits=RepeatedPackLimits,
    find=find,
    explain=explain,
)
