"""GEO-03 异地/移动支付位置异常: treated in another city without a filing, or paid by phone far from the institution."""

from typing import Any

import ibis
import ibis.expr.types as ir
from pydantic import Field

from central.engines.identifiers import listed, plain, word
from central.rules.base import IMPLEMENTING_RULES, Explanation, Hit, Limits, Rule, Severity, Tables
from central.rules.bills import emergency, standing
from central.rules.presence import known_places
from central.rules.travel import km

_CITY = 4
_MUNICIPALITIES = ["11", "12", "31", "50"]
"""Beijing, Tianjin, Shanghai and Chongqing are one city each, though their codes go on."""
_AREA, _PLACE = "area", "place"


class RemoteLimits(Limits):
    """How far from the institution a phone may be."""

    most_km: int = Field(
        default=5, ge=1, le=1000, description="Kilometres between the phone and the institution; positions in a city are off by some."
    )


def find(tables: Tables, limits: RemoteLimits) -> ir.Table:
    """One row per settlement and kind of remoteness.

    Another city counts where the fund paid for no emergency and no filing covers the place then; personal accounts may be used anywhere.
    While no filing of anybody is here, the register was not delivered and nothing follows. A place of 0, 0 is not known.
    """
    return _unfiled(tables).union(_far_away(tables, limits))


def _unfiled(tables: Tables) -> ir.Table:
    bills = standing(tables.settlements)
    there, home = bills.mdtrtarea_admvs, bills.insuplc_admdvs
    abroad = bills.filter(there != home, there.length() == 6, home.length() == 6, _city(there) != _city(home), bills.net_fund > 0)
    abroad = abroad.filter(~emergency(abroad))
    filed = tables.filings.select(of="psn_no", area="mdtrtarea_admvs", since="valid_from", until="valid_to")
    whole = filed.area.endswith("0000").ifelse(filed.area.left(2), _city(filed.area))
    filed = filed.mutate(whole=whole)
    covering = abroad.join(filed, [abroad.psn_no == filed.of, abroad.setl_time >= filed.since, abroad.setl_time < filed.until])
    covering = covering.filter(covering.mdtrtarea_admvs.startswith(covering.whole))
    abroad = abroad.anti_join(covering.select("fixmedins_code", "setl_id"), ["fixmedins_code", "setl_id"])
    delivered = tables.filings.agg(delivered=tables.filings.count()).filter(lambda t: t.delivered > 0).mutate(joint=ibis.literal(1))
    abroad = abroad.mutate(joint=ibis.literal(1)).semi_join(delivered, "joint")
    return _found(abroad, _AREA, distance_km=ibis.null("int64"))


def _city(area: Any) -> Any:
    """The digits of an area code that tell cities apart."""
    return area.left(2).isin(_MUNICIPALITIES).ifelse(area.left(2), area.left(_CITY))


def _far_away(tables: Tables, limits: RemoteLimits) -> ir.Table:
    phones = tables.places.filter(
        tables.places.latitude.notnull(),
        tables.places.longitude.notnull(),
        (tables.places.latitude != 0) | (tables.places.longitude != 0),
    ).select("fixmedins_code", "setl_id", phone_latitude="latitude", phone_longitude="longitude")
    paid = standing(tables.settlements).join(phones, ["fixmedins_code", "setl_id"]).join(known_places(tables.sites), "fixmedins_code")
    paid = paid.mutate(distance=km(paid.latitude, paid.longitude, paid.phone_latitude, paid.phone_longitude))
    far = paid.filter(paid.distance > float(limits.most_km))
    return _found(far, _PLACE, distance_km=far.distance.round())


def _found(bills: ir.Table, kind: str, distance_km: Any) -> ir.Table:
    return bills.select(
        subject_key=plain(bills.psn_no) + "/" + word(bills.fixmedins_code) + ":" + word(bills.setl_id) + ":" + kind,
        fixmedins_code=bills.fixmedins_code,
        psn_no=bills.psn_no,
        occurred_at=bills.setl_time,
        sev_deg=ibis.literal(Severity.LOW.value),
        amount_fen=bills.net_fund + bills.net_acct,
        capture_ids=listed(bills.capture_id),
        setl_ids=ibis.array([bills.setl_id]),
        psn_nos=ibis.array([bills.psn_no]),
        kind=ibis.literal(kind),
        mdtrtarea_admvs=bills.mdtrtarea_admvs,
        insuplc_admdvs=bills.insuplc_admdvs,
        distance_km=distance_km,
    )


def explain(hit: Hit, limits: RemoteLimits) -> Explanation:
    """Says which of the two it is; where the phone was is told as a distance only."""
    seen, setl_id = hit.seen, hit.setl_ids[0]
    if seen["kind"] == _AREA:
        return Explanation(
            zh=(
                f"{hit.local_time}，"
                f"参保地{seen['insuplc_admdvs']}的参保人{hit.psn_no}在就医地{seen['mdtrtarea_admvs']}的机构{hit.fixmedins_code}结算{setl_id}并由基金支付，结算时没有覆盖该地的异地就医备案。标准：跨市（直辖市为跨省）且无备案；急诊、仅用个人账户支付和已退费的不计。"
            ),
            en=(
                f"{hit.local_time} (China): insured person {hit.psn_no} of {seen['insuplc_admdvs']} settled {setl_id} at "
                f"{hit.fixmedins_code} in {seen['mdtrtarea_admvs']}, the fund paid, and no filing of treatment in another place covered "
                f"it then. Limit: another city without filing; emergencies, payments from the personal account alone and refunds are left "
                f"out."
            ),
        )
    distance = f"{seen['distance_km']:.0f}"
    return Explanation(
        zh=(
            f"{hit.local_time}，参保人{hit.psn_no}在机构{hit.fixmedins_code}的移动支付结算{setl_id}，下单位置距该机构约{distance}公里。"
            f"标准：超过{limits.most_km}公里。位置缺失或为0,0的按未知处理；提前下单、代家人支付等也会如此，请先核实。"
        ),
        en=(
            f"{hit.local_time} (China): insured person {hit.psn_no} paid settlement {setl_id} of {hit.fixmedins_code} by phone, ordered "
            f"about {distance} km away from it. Limit: more than {limits.most_km} km. A missing place, or 0, 0, is taken as not known; an "
            f"order in advance or for the family looks the same, so verify that first."
        ),
    )


RULE = Rule(
    id="GEO-03",
    version=1,
    by="psn_no",
    name_zh="异地/移动支付位置异常",
    name_en="remote or mobile place",
    behaviour="异地或移动支付位置异常",
    legal_basis=f"《医疗保障基金使用监督管理条例》；异地就医直接结算及医保移动支付的有关规定；{IMPLEMENTING_RULES}",
    limits=RemoteLimits,
    find=find,
    explain=explain,
)
