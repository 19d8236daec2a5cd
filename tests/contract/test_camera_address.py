"""An address that was mistyped must not show its password."""

import pytest

from contract.camera_address import fault, shown


@pytest.mark.parametrize(
    "source", [" rtsp://admin:pa55@camera/1", "rtmp://admin:pa55@camera/1", "rstp://admin:pa55@camera", "admin:pa55@192.168.1.20/1"]
)
def test_what_nobody_could_open_is_named_and_not_shown(source: str) -> None:
    assert "begins with rtsp://" in (fault(source) or "")
    assert shown(source) == "?"


@pytest.mark.parametrize("source", ["0", "clips/a.mkv", "/srv/film/a@b.mkv", "rtsp://admin:pa55@camera/1", "HTTP://camera:81/x?y=z"])
def test_every_other_source_is_let_be(source: str) -> None:
    assert fault(source) is None
