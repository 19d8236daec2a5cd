"""The parameters: the file that is shipped, defaults, and everything that is refused."""

from pathlib import Path
from typing import Any

import pytest

from central.errors import Misconfigured
from central.rules.registry import RULES, read_rules, rule_book

SHIPPED = Path(__file__).parents[3] / "config" / "rules.toml"


def test_the_shipped_file_says_the_defaults() -> None:
    book = read_rules(SHIPPED)
    assert book == rule_book({}, "nothing")
    assert [each.rule.id for each in book.active] == [rule.id for rule in RULES]


def test_every_parameter_stands_in_the_shipped_file_and_has_a_reason() -> None:
    text = SHIPPED.read_text(encoding="utf-8")
    for rule in RULES:
        for name, parameter in rule.limits.model_fields.items():
            assert f"{name} = " in text
            assert parameter.description, f"{rule.id} {name}"


def test_rules_are_told_apart_and_fit_the_table() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert len(rule.id) <= 6
        assert len(rule.legal_basis) <= 200
        assert len(rule.behaviour) <= 40
        assert len(f"{rule.name_zh} {rule.name_en}") <= 100


def test_a_disabled_rule_is_not_active_and_a_limit_is_taken() -> None:
    book = rule_book({"PR-01": {"enabled": False}, "ID-01": {"min_frames_used": 7}, "linkage": {"off_time_s": 60}}, "test")
    active = {each.rule.id: each for each in book.active}
    assert set(active) == {rule.id for rule in RULES} - {"PR-01"}
    assert active["ID-01"].limits.model_dump() == {"min_frames_used": 7}
    assert book.linkage.off_time_s == 60


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ({"ID-1": {}}, r"\[ID-1\] is no rule; known are .*ID-01, .*, linkage"),
        ({"ID-01": {"min_frame_used": 3}}, r"\[ID-01\] min_frame_used = 3"),
        ({"ID-01": {"min_frames_used": 0}}, r"\[ID-01\] min_frames_used = 0: .*greater than or equal to 1"),
        ({"ID-01": {"min_frames_used": "many"}}, r"\[ID-01\] min_frames_used = 'many'"),
        ({"ID-01": {"enabled": "no"}}, r"\[ID-01\] enabled: 'no' is neither true nor false"),
        ({"ID-01": 3}, r"ID-01 is not a table"),
        ({"linkage": {"off_time": 3}}, r"\[linkage\] off_time = 3"),
    ],
)
def test_what_the_centre_does_not_know_is_refused_by_name(content: dict[str, Any], named: str) -> None:
    with pytest.raises(Misconfigured, match=named):
        rule_book(content, "rules.toml")


@pytest.mark.parametrize("content", [b"[ID-01", b"\xff\xfe"])
def test_a_file_that_is_no_toml_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "rules.toml").write_bytes(content)
    with pytest.raises(Misconfigured, match=r"rules\.toml"):
        read_rules(tmp_path / "rules.toml")


def test_a_missing_file_is_named_with_the_setting_that_points_to_it(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="rules_file"):
        read_rules(tmp_path / "absent.toml")
