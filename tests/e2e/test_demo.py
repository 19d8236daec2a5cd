"""One morning end to end, on real faces, with the real processes, on each broker."""

from pathlib import Path

import pytest

from scripts import demo


@pytest.mark.timeout(300)
@pytest.mark.parametrize("mosquitto", [False, True], ids=["embedded", "mosquitto"])
def test_every_settlement_of_the_demonstration_ends_as_it_should(tmp_path: Path, mosquitto: bool) -> None:
    assert demo.run(tmp_path / "demo", stay=False, mosquitto=mosquitto) == 0
