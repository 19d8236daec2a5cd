"""Persons stand in logs only behind a mask."""

import json

import pytest
import structlog

from edge_agent.health import logs


def test_lines_are_json_with_masked_persons(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        logs.configure()
        structlog.get_logger("test").info("seen", psn_no="43000011100022233344", why="中文")
    finally:
        structlog.reset_defaults()
    line = json.loads(capsys.readouterr().err)
    assert (line["event"], line["psn_no"], line["why"]) == ("seen", "…3344", "中文")


@pytest.mark.parametrize(("psn_no", "shown"), [("", "…"), ("1", "…"), ("123", "…3"), ("12345678", "…5678"), ("123456789", "…6789")])
def test_at_most_half_is_shown(psn_no: str, shown: str) -> None:
    assert logs.mask(psn_no) == shown
