"""Reconcile news as it comes, for as long as the centre runs."""

from collections.abc import Callable
from threading import Event
from time import monotonic

import typer

from central.cli.shell import progress
from central.errors import CentralError, Misconfigured
from central.reconciliation.live import Live
from central.reconciliation.turn import Turn
from central.wiring import Centre

DAY_S = 86_400.0
LOOK_S = 0.1
"""Between two looks whether there is news; one costs a look at an index, a fifth of a millisecond."""
STAND_BY_S = 2.0
"""Between two looks whether another follower is still at work."""
BESIDES_S = 60.0
"""Between two rounds of what is done besides."""
LONGEST_PAUSE_S = 30.0


def follow(centre: Centre, stop: Event, *, every_s: float, besides: Callable[[], object]) -> None:
    """Reconcile everything at first and every so many seconds, and news within them; `besides` is done every minute.

    Of several followers of one database one works and the others stand by. Whatever could not be reconciled, whyever, is tried again,
    later and later; the last good state stays meanwhile. Raises Misconfigured at the first look, for then nothing was ever right.
    """
    live = Live(centre.engine, rules_file=centre.settings.rules_file, now=centre.now, progress=progress)
    turn = Turn(centre.engine)
    whole_s = besides_s = float("-inf")
    pause_s, stands_by = LOOK_S, False
    try:
        while True:
            try:
                now_s = monotonic()
                if turn.mine():
                    due = stands_by or now_s - whole_s >= every_s
                    report = live.everything() if due else live.news()
                    whole_s = now_s if due else whole_s
                    for line in report.lines() if report is not None else ():
                        typer.echo(line)
                    if now_s - besides_s >= BESIDES_S:
                        besides_s = now_s
                        besides()
                    pause_s, stands_by = LOOK_S, False
                else:
                    pause_s, stands_by = _stood_by(live, stands_by), True
            except Exception as error:
                if isinstance(error, Misconfigured) and whole_s == float("-inf"):
                    raise
                pause_s = min(max(1.0, 2 * pause_s), LONGEST_PAUSE_S)
                typer.echo(f"not reconciled now, tried again in {pause_s:g} s: {_said(error)}", err=True)
            if stop.wait(pause_s):
                return
    finally:
        turn.close()
        live.close()


def _stood_by(live: Live, before: bool) -> float:
    """Keep nothing at hand while another works; seconds until the next look."""
    if not before:
        live.close()
        typer.echo("another follower of this database is at work; this one stands by", err=True)
    return STAND_BY_S


def _said(error: Exception) -> str:
    """Without the statement, which may be long; parameters are hidden anyway."""
    said = str(getattr(error, "orig", None) or error)
    return said if isinstance(error, CentralError) else f"{type(error).__name__}: {said}"
