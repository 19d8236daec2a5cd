"""When institutions are open, by the hours that they declared."""

import ibis
import ibis.expr.types as ir

_DAY = 24 * 60
_SPAN = ("fixmedins_code", "weekday", "since", "until")


def open_spans(hours: ir.Table, slack: int = 0) -> ir.Table:
    """(fixmedins_code, weekday, since, until) in minutes of a day in China, `slack` minutes more at either end.

    Hours that close at or before they open run into the next day (the whole day, if at the same minute); a missing end is open. What
    reaches over midnight stands at both days: as it is, with minutes below 0 or above 1440, and as the other day sees it.
    """
    opens, closes = hours.opens.fill_null(0), hours.closes.fill_null(_DAY)
    declared = hours.select(
        "fixmedins_code", "weekday", since=opens - slack, until=(closes <= opens).ifelse(closes + _DAY, closes) + slack
    ).filter(hours.weekday.notnull())
    before = declared.filter(declared.since < 0)
    before = before.mutate(weekday=(before.weekday + 5) % 7 + 1, since=before.since + _DAY, until=ibis.literal(2 * _DAY, "int64"))
    after = declared.filter(declared.until >= _DAY)
    after = after.mutate(weekday=after.weekday % 7 + 1, since=ibis.literal(0, "int64"), until=after.until - _DAY)
    return declared.select(*_SPAN).union(before.select(*_SPAN)).union(after.select(*_SPAN))
