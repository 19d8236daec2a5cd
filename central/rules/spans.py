"""Rows of which too many different things fall into one span."""

import ibis
import ibis.expr.types as ir


def crowded(rows: ir.Table, *keys: str, thing: str, us: int, newest: int) -> ir.Table:
    """The rows of the same `keys` within a span of so many microseconds (ending with one of them) that holds `needed` different things.

    Rows have setl_time, row_id (their own) and `needed`, the same for all rows of the same keys. Of these only so many newest rows are
    looked at, so they cost at most `newest` squared; where there are too few things at all, nothing.
    """
    totals = rows.group_by(*keys).agg(needed=rows.needed.max(), things=rows[thing].nunique())
    enough = rows.semi_join(totals.filter(totals.things >= totals.needed), list(keys))
    age = ibis.row_number().over(group_by=[enough[key] for key in keys], order_by=[enough.setl_time.desc(), enough.row_id])
    recent = enough.mutate(age=age).filter(lambda t: t.age < newest).drop("age")
    last = recent.select(*keys, span=recent.row_id, until=recent.setl_time)
    pairs = recent.join(last, list(keys))
    within = pairs.filter(pairs.setl_time <= pairs.until, pairs.setl_time >= pairs.until - us)
    full = within.group_by(*keys, "span").agg(needed=within.needed.max(), things=within[thing].nunique())
    full = full.filter(full.things >= full.needed)
    return recent.semi_join(within.semi_join(full, [*keys, "span"]).select(*keys, "row_id").distinct(), [*keys, "row_id"])
