"""Bills for which the insured person, and nobody else by right, must have come."""

import ibis.expr.types as ir

from central.linkage.model import SettlementCode
from central.rules.base import Tables
from central.rules.bills import standing
from central.rules.excuses import without_proxy

_MOBILE = "3"
_BILL = ["fixmedins_code", "setl_id"]


def came_in_person(tables: Tables) -> ir.Table:
    """Standing bills of the counter or a self-service terminal, outpatient or pharmacy, of persons for whom no proxy may have come.

    Excused are mobile payments, the bills of stays (families settle them), persons with a registered proxy at that time, and bills at
    which a clerk stated a proxy or a window recognised one.
    """
    bills = standing(tables.settlements)
    bills = bills.filter(
        ~bills.inpatient, bills.opter_type.isnull() | (bills.opter_type != _MOBILE), bills.code != SettlementCode.PROXY.value
    )
    stated = tables.captures.filter(tables.captures.proxy_psn_no.notnull(), tables.captures.linked_setl_id.notnull())
    stated = stated.select("fixmedins_code", setl_id=stated.linked_setl_id).distinct()
    return without_proxy(bills.anti_join(tables.places, _BILL).anti_join(stated, _BILL), tables.proxies, at="setl_time")


def known_places(sites: ir.Table) -> ir.Table:
    """(fixmedins_code, latitude, longitude) of institutions whose place is known; 0, 0 is what systems send that do not know it."""
    somewhere = sites.filter(sites.latitude.notnull(), sites.longitude.notnull(), (sites.latitude != 0) | (sites.longitude != 0))
    return somewhere.select("fixmedins_code", "latitude", "longitude")
