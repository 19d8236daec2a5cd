"""The files of a broker are kept true while it runs, its own certificate among them."""

from datetime import timedelta
from pathlib import Path
from threading import Event

import pytest

from central.certificates import ends_at
from central.cli import broker
from tests import builders
from tests.central.building import make_centre


def test_a_broker_is_started_anew_with_a_certificate_that_was_renewed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker, "LOOK_S", 0.01)
    monkeypatch.setattr(broker, "RENEW_EVERY_S", 0.0)
    now = builders.AT + timedelta(days=700)
    centre, stop, said = make_centre(tmp_path, now=lambda: now), Event(), list[str]()

    def restart() -> None:
        said.append("restart")
        stop.set()

    broker._keep_true(centre, stop, lambda: said.append("tell"), restart)
    assert "restart" in said
    assert ends_at(centre.keys.tls("broker")[0].read_text()) - now > timedelta(days=700)
    assert not broker._renewed(centre), "once"
