"""The life of rules from the command line."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from central.__main__ import app
from central.cli import rules_watch
from central.db import reading
from central.rulebook import trials
from central.rulebook.model import Wanted
from central.rulebook.trials import TrialKind
from central.rules.registry import read_rules
from central.wiring import Centre
from tests.central.web.consoles import make_console, make_finding

SHIPPED = Path(__file__).parents[3] / "config" / "rules.toml"
ANNA, BERT = ("--by", "anna"), ("--by", "bert")
WHY = ("--reason", "夜间误报")


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Centre:
    """With one finding, S-1 of ID-01."""
    made = make_console(tmp_path_factory.mktemp("rules") / "centre")
    make_finding(made)
    return made


def central(centre: Centre, *arguments: object, group: str = "rules") -> Result:
    settings = centre.settings.data_dir.parent / "central.toml"
    settings.write_text(f'data_dir = "{centre.settings.data_dir}"\nrules_file = "{SHIPPED}"\n', encoding="utf-8")
    return CliRunner().invoke(app, [group, *map(str, arguments), "--settings", str(settings)])


def said(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return result.output


def test_a_change_takes_two_and_is_shown_with_its_version(centre: Centre) -> None:
    assert "PR-01 空刷 no person present: review, rule" in said(central(centre, "list"))
    assert "approve 1" not in said(central(centre, "list"))
    proposed = said(central(centre, "set", "PR-01", "repeat_days=14", "--at", "430000", *WHY, *ANNA))
    number = proposed.split("change ")[1].split()[0]
    assert f"central rules approve {number}" in proposed
    assert "give a name" in central(centre, "approve", number, "--by", " ").output
    refused = central(centre, "approve", number, *ANNA)
    assert refused.exit_code == 2
    assert "another person must approve it" in refused.output
    assert "version 2" in said(central(centre, "approve", number, *BERT))
    shown = said(central(centre, "show", "PR-01", "--at", "430102"))
    assert "repeat_days = 14 (default 7): Days before and after" in shown
    assert "rules file: " in shown
    assert "repeat_days = 7" in said(central(centre, "show", "PR-01"))
    waiting = said(central(centre, "promote", "PR-01", "restrict", *WHY, *ANNA)).split("change ")[1].split()[0]
    assert f"waits: change {waiting}" in said(central(centre, "list"))
    assert "is refused" in said(central(centre, "refuse", waiting, *WHY, *BERT))


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("set", "PR-01", "repeat_days", *WHY, *ANNA), "'repeat_days' is not NAME=VALUE"),
        (("set", "PR-01", "repeat_days=0", *WHY, *ANNA), "repeat_days = '0'"),
        (("set", "PR-99", "x=1", *WHY, *ANNA), "'PR-99' is no rule in use"),
        (("show", "PR-01", "--at", "Hunan"), "names no place"),
        (("approve", "99", *ANNA), "change 99 is not here"),
        (("shadow", "PR-01", "frames=1", *ANNA), "no parameter 'frames'"),
        (("backtest", "PR-01", "repeat_days=9", "--since", "gestern", *ANNA), "'gestern' is no time"),
        (("replay", "JR0"), "'JR0' is not here"),
        (("snooze", "end", "99", *ANNA), "snooze 99 is not here"),
        (("sample", "show", "99"), "sample 99 is not here"),
        (("sample", "draw", "5", "--days", "3000", *WHY, *ANNA), "nothing to draw from"),
    ],
)
def test_what_cannot_be_is_one_line(centre: Centre, arguments: tuple[object, ...], named: str) -> None:
    done = central(centre, *arguments)
    assert done.exit_code == 2, done.output
    assert named in done.output
    assert "Traceback" not in done.output


def test_a_shadow_run_and_a_back_test_say_what_would_change(centre: Centre) -> None:
    done = said(central(centre, "shadow", "ID-01", "min_frames_used=1", *ANNA))
    assert "0 lost" in done
    assert "confirmed findings lost: none was decided" in done
    assert "draft 0" in said(central(centre, "backtest", "ID-01", "min_frames_used=100", *ANNA))


def test_trials_that_wait_are_carried_out_by_the_next_run(centre: Centre) -> None:
    wanted = Wanted(rule_id="PR-01", scope="", reason="", limits={"repeat_days": 9})
    with centre.engine.begin() as db:
        asked = trials.ask(db, read_rules(SHIPPED), wanted, TrialKind.SHADOW, actor="anna", now=centre.now())
    lines: list[str] = []
    set_up = Centre(
        **{name: getattr(centre, name) for name in Centre.__slots__}
        | {"settings": centre.settings.model_copy(update={"rules_file": SHIPPED})}
    )
    assert rules_watch.carry_out_waiting(set_up, lines.append) == 1
    assert lines == [f"trial {asked.trial_id} of PR-01"]
    with reading(centre.engine).begin() as db:
        assert trials.get(db, asked.trial_id).result is not None
    assert rules_watch.carry_out_waiting(set_up, lines.append) == 0


def test_a_snooze_holds_what_is_open_and_gives_it_back(centre: Centre) -> None:
    site = ("--site", "P99999900001")
    made = central(centre, "snooze", "add", "ID-01", "--until", "2000-01-01 00:00", *site, *WHY, *ANNA)
    assert "a moment to come" in made.output
    until = (datetime.now(UTC) + timedelta(days=5)).strftime("%Y-%m-%d %H:%M")
    assert "is quiet about" in said(central(centre, "snooze", "add", "ID-01", "--until", until, *site, *WHY, *ANNA))
    assert "(1 held)" in said(central(centre, "snooze", "list"))
    assert "1 findings came back" in said(central(centre, "snooze", "end", 1, *BERT))


def test_a_sample_is_drawn_judged_and_rated(centre: Centre) -> None:
    drawn = said(central(centre, "sample", "draw", 5, "--days", 3000, "--rule", "PR-01", *WHY, *ANNA))
    assert "1 of 1 settlements that PR-01 did not name, seed " in drawn
    assert "sample 1: 1 are drawn again, 0 can no longer be" in said(central(centre, "sample", "redraw", 1))
    judged = said(central(centre, "sample", "judge", 1, 1, "missed", *WHY, *BERT))
    assert "missed: 1 of 1 (95 %: 2.50% to 100.00%), 0 not looked at yet" in judged
