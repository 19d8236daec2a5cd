"""DRG-01 超量开药: more of a drug at home than a prescription may give and the patient can have left over."""

import ibis
import ibis.expr.types as ir
from pydantic import Field

from central.engines.identifiers import plain, word
from central.rules.base import DAY, IMPLEMENTING_RULES, Explanation, Hit, Limits, Rule, Severity, Tables
from central.rules.bills import billed, gathered, left_of, span_en, span_zh


class OverSupplyLimits(Limits):
    """Days of supply."""

    ordinary_days: int = Field(default=7, ge=1, le=365, description="Days of an ordinary prescription.")
    long_days: int = Field(default=28, ge=1, le=365, description="Days of a long prescription (长期处方).")
    most_days: int = Field(default=84, ge=1, le=365, description="Days of the longest prescription that is allowed.")
    carry_days: int = Field(
        default=7,
        ge=0,
        le=90,
        description="Days of supply that may be left over when the next is fetched; nobody waits for the last tablet.",
    )
    window_days: int = Field(default=30, ge=1, le=365, description="Days of purchases that are added up; what is older counts as used up.")


def find(tables: Tables, limits: OverSupplyLimits) -> ir.Table:
    """Persons and ingredients where a purchase leaves more days of supply than allowed.

    Supply on hand is what was bought within window_days, less the days that have gone by (Lindley's recursion for a store that empties by
    one a day, written with a running minimum). Lines of one settlement are one course, taken side by side: the longest of them counts.
    What the item register allows goes before the defaults, of which the line's own prd_days chooses the smallest that fits; of several
    within the window the largest holds. Lines without prd_days or known ingredient, and bills of stays, say nothing.
    """
    bought = _bought(tables, limits)
    same = [bought.psn_no, bought.ingredient]
    order = [bought.setl_time, bought.fixmedins_code, bought.setl_id]
    until_here = ibis.cumulative_window(group_by=same, order_by=order)
    bought = bought.mutate(total=bought.supply_us.sum().over(until_here).cast("int64"))
    recent = _around(bought, limits.window_days * DAY, 0)
    bought = bought.mutate(
        low=(bought.total - bought.supply_us - bought.setl_time).min().over(recent), allowed=bought.allowed_days.max().over(recent)
    )
    bought = bought.mutate(on_hand=bought.total - bought.setl_time - bought.low)
    bought = bought.mutate(over=bought.on_hand > (bought.allowed + limits.carry_days) * DAY)
    ahead = _around(bought, 0, limits.window_days * DAY)
    part = bought.mutate(part=bought.over.cast("int64").max().over(ahead)).filter(lambda t: t.part == 1)
    part = part.mutate(fen=part.over.ifelse(part.fen, 0), capture_id=ibis.null("string"))
    return _persons(part)


def _bought(tables: Tables, limits: OverSupplyLimits) -> ir.Table:
    """(psn_no, ingredient, settlement) with `days` and what is allowed for them, of persons who bought more than the least limit at all."""
    items = tables.items.filter(tables.items.ingredient.notnull())
    lines = tables.details.filter(tables.details.prd_days > 0).join(items.select("med_list_codg", "ingredient"), "med_list_codg")
    rows = billed(tables, lines, "ingredient")
    bought = rows.filter(~rows.is_refund, ~rows.inpatient)
    listed = items.group_by("ingredient").agg(item_days=items.most_days.max())
    totals = bought.group_by("psn_no", "ingredient").agg(total=bought.prd_days.sum()).left_join(listed, "ingredient")
    least = totals.item_days.fill_null(limits.ordinary_days) + limits.carry_days
    enough = totals.filter(totals.total > least)  # hardly anybody, so this goes before all that is exact
    many = left_of(bought.semi_join(enough, ["psn_no", "ingredient"]), rows.filter(rows.is_refund), "ingredient")
    by_days = ibis.cases(
        (many.days <= limits.ordinary_days, limits.ordinary_days), (many.days <= limits.long_days, limits.long_days), else_=limits.most_days
    )
    many = many.mutate(by_days=by_days, supply_us=many.days * DAY).left_join(listed, "ingredient").drop("ingredient_right")
    return many.mutate(allowed_days=many.item_days.fill_null(many.by_days)).drop("item_days", "by_days")


def _around(rows: ir.Table, before: int, after: int) -> ibis.expr.builders.WindowBuilder:
    return ibis.range_window(group_by=[rows.psn_no, rows.ingredient], order_by=rows.setl_time, preceding=before, following=after)


def _persons(part: ir.Table) -> ir.Table:
    persons = gathered(
        part,
        "psn_no",
        "ingredient",
        fixmedins_code=lambda t: t.fixmedins_code.max(where=t.over),
        sites=lambda t: t.fixmedins_code.nunique(),
        supply_days=lambda t: t.days.sum(),
        on_hand_days=lambda t: t.on_hand.max() // DAY,
        allowed_days=lambda t: t.allowed.max(),
    )
    return persons.mutate(
        subject_key=word(persons.psn_no) + "/" + plain(persons.ingredient),
        sev_deg=ibis.literal(Severity.MED.value),
    )


def explain(hit: Hit, limits: OverSupplyLimits) -> Explanation:
    """Names the ingredient, the supply, and what was allowed."""
    drug, seen = hit.seen["ingredient"], hit.seen
    return Explanation(
        zh=(
            f"{span_zh(hit)}，参保人{hit.psn_no}在{seen['sites']}家机构{seen['bills']}次配取{drug}，共{seen['supply_days']}日用量；扣除已过天数后，"
            f"手中存量最多达{seen['on_hand_days']}日。标准：不超过{seen['allowed_days']}日处方量加{limits.carry_days}日结转（药品目录未规定的，普通处方"
            f"{limits.ordinary_days}日、长期处方{limits.long_days}日、最长{limits.most_days}日）。已扣除退药，同一结算内同成分药品只计一次，住院用药不计。"
        ),
        en=(
            f"{span_en(hit)}: insured person {hit.psn_no} fetched {drug} {seen['bills']} times at {seen['sites']} institutions, "
            f"{seen['supply_days']} days of supply; less the days that had gone by, up to {seen['on_hand_days']} days were on hand. "
            f"Limit: a prescription of {seen['allowed_days']} days and {limits.carry_days} days left over (where the register of drugs "
            f"says nothing: {limits.ordinary_days} days ordinary, {limits.long_days} long, {limits.most_days} at most). Returned drugs "
            f"are deducted, lines of one settlement with the same ingredient count once, stays are left out."
        ),
    )


RULE = Rule(
    id="DRG-01",
    version=1,
    by="psn_no",
    name_zh="超量开药",
    name_en="over-supply",
    behaviour="超量开药",
    legal_basis=f"《医疗保障基金使用监督管理条例》第三十八条第（二）项；《长期处方管理规范（试行）》；{IMPLEMENTING_RULES}",
    limits=OverSupplyLimits,
    find=find,
    explain=explain,
)
