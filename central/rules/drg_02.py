"""DRG-02 多机构重复取药: one card fetches the same drug at several institutions, more than its owner can take."""

import ibis
import ibis.expr.types as ir
from pydantic import Field

from central.engines.identifiers import plain, word
from central.rules.base import IMPLEMENTING_RULES, Explanation, Hit, Limits, Rule, Severity, Tables, china_day
from central.rules.bills import billed, gathered, left_of, span_en, span_zh
from contract.events import Outcome

_DRUGS = "1"


class DoctorShoppingLimits(Limits):
    """How many institutions within how long."""

    institutions: int = Field(default=3, ge=2, le=100, description="Institutions that gave the same drug; two are a doctor and a pharmacy.")
    window_days: int = Field(default=30, ge=1, le=365, description="Days within which they gave it: strict, to catch dealers.")
    carry_days: int = Field(
        default=7, ge=0, le=90, description="Days of supply beyond window_days that anybody may have; who fetched no more is no dealer."
    )


def find(tables: Tables, limits: DoctorShoppingLimits) -> ir.Table:
    """Persons and drugs (the ingredient, or the item where that is not known) with too many institutions within window_days.

    Services are no drugs, stays are left out, and a supply that is known to be no more than the person needs in that time excuses.
    """
    fetched = _fetched(tables, limits)
    days = fetched.select("psn_no", "drug", "fixmedins_code", "day").distinct()
    ends = days.select("psn_no", "drug", last="day").distinct()
    within = days.join(ends, ["psn_no", "drug"]).filter(lambda t: (t.day <= t.last) & (t.day > t.last - limits.window_days))
    spans = within.group_by("psn_no", "drug", "last").agg(sites=within.fixmedins_code.nunique())
    supply = _supply(fetched, limits.window_days).select("psn_no", "drug", last="day", known="known", supply="supply")
    spans = spans.join(supply, ["psn_no", "drug", "last"])
    enough = spans.known & (spans.supply <= limits.window_days + limits.carry_days)
    full = spans.filter(spans.sites >= limits.institutions, ~enough).select("psn_no", "drug", "last")
    marked = within.semi_join(full, ["psn_no", "drug", "last"]).select("psn_no", "drug", "day").distinct()
    return _persons(tables, fetched.semi_join(marked, ["psn_no", "drug", "day"]))


def _fetched(tables: Tables, limits: DoctorShoppingLimits) -> ir.Table:
    """What persons fetched, settlement by settlement, of drugs that they had from enough institutions at any time."""
    items = tables.items.filter(tables.items.ingredient.notnull()).select("med_list_codg", "ingredient")
    lines = tables.details.filter(tables.details.med_list_codg.notnull())
    lines = lines.left_join(items, "med_list_codg").drop("med_list_codg_right")
    lines = lines.filter(lines.ingredient.notnull() | lines.list_type.startswith(_DRUGS))
    lines = lines.mutate(drug=ibis.coalesce(lines.ingredient, lines.med_list_codg))
    rows = billed(tables, lines, "drug")
    fetched = rows.filter(~rows.is_refund, ~rows.inpatient)
    sites = fetched.group_by("psn_no", "drug").agg(low=fetched.fixmedins_code.min(), high=fetched.fixmedins_code.max())
    spread = sites.filter(sites.low < sites.high)  # few, so this goes before all that is exact
    left = left_of(fetched.semi_join(spread, ["psn_no", "drug"]), rows.filter(rows.is_refund), "drug")
    sites = left.group_by("psn_no", "drug").agg(sites=left.fixmedins_code.nunique())
    left = left.semi_join(sites.filter(sites.sites >= limits.institutions), ["psn_no", "drug"])
    return left.mutate(day=china_day(left.setl_time))


def _supply(fetched: ir.Table, window_days: int) -> ir.Table:
    """(psn_no, drug, day, known, supply): days of supply of the window that ends on that day, and whether all of it is known."""
    days = fetched.group_by("psn_no", "drug", "day").agg(
        days=fetched.days.fill_null(0).sum().cast("int64"), unknown=(fetched.days.fill_null(0) <= 0).cast("int64").max()
    )
    back = ibis.range_window(group_by=[days.psn_no, days.drug], order_by=days.day, preceding=window_days - 1, following=0)
    return days.select("psn_no", "drug", "day", known=days.unknown.max().over(back) == 0, supply=days.days.sum().over(back))


def _persons(tables: Tables, rows: ir.Table) -> ir.Table:
    own = tables.visits.filter(tables.visits.outcome == Outcome.SAME.value).select("fixmedins_code", "setl_id", "capture_id")
    rows = rows.left_join(own, ["fixmedins_code", "setl_id"])
    persons = gathered(
        rows,
        "psn_no",
        "drug",
        fixmedins_code=lambda t: t.fixmedins_code.max(),
        sites=lambda t: t.fixmedins_code.nunique(),
        recognised=lambda t: t.capture_id.count(),
        supply_days=lambda t: t.days.sum(),
    )
    return persons.mutate(subject_key=word(persons.psn_no) + "/" + plain(persons.drug), sev_deg=ibis.literal(Severity.MED.value))


def explain(hit: Hit, limits: DoctorShoppingLimits) -> Explanation:
    """Says at how many settlements the person came himself: then he took them all."""
    seen, supply = hit.seen, hit.seen["supply_days"]
    supply_zh = f"，已申报用量合计{supply}日" if supply else "，用药天数未申报"
    supply_en = f", {supply} days of supply as far as stated" if supply else "; the days of supply were not stated"
    return Explanation(
        zh=(
            f"{span_zh(hit)}，参保人{hit.psn_no}在{seen['sites']}家机构{seen['bills']}次配取同一药品（{seen['drug']}）{supply_zh}；其中"
            f"{seen['recognised']}次窗口识别为本人。标准：{limits.window_days}日内{limits.institutions}家机构及以上；全部用量已知且不超过"
            f"{limits.window_days + limits.carry_days}日的不列入。已扣除退药，住院用药不计。"
        ),
        en=(
            f"{span_en(hit)}: insured person {hit.psn_no} fetched the same drug ({seen['drug']}) {seen['bills']} times at {seen['sites']} "
            f"institutions{supply_en}. At {seen['recognised']} of them the window recognised the person. Limits: {limits.institutions} "
            f"institutions within {limits.window_days} days; a supply that is known to be at most "
            f"{limits.window_days + limits.carry_days} days is not listed. Returned drugs are deducted, stays are left out."
        ),
    )


RULE = Rule(
    id="DRG-02",
    version=1,
    by="psn_no",
    name_zh="多机构重复取药",
    name_en="doctor shopping",
    behaviour="多机构重复取药",
    legal_basis=f"《医疗保障基金使用监督管理条例》第四十一条第（三）项；{IMPLEMENTING_RULES}",
    limits=DoctorShoppingLimits,
    find=find,
    explain=explain,
)
