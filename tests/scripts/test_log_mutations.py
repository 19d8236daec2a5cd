"""Every kind of change to an export is found by the verifier that shares no code with the log; the untouched one passes."""

from pathlib import Path

import pytest

from scripts.log_mutations import CHANGES, Export, Verifier, run
from scripts.logs.made import Made, make_log


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make_log(tmp_path_factory.mktemp("log"), 120, seed=7)


def test_the_untouched_export_is_whole_and_every_kind_of_change_is_found(made: Made, tmp_path: Path) -> None:
    verify, data = Verifier(made, tmp_path), made.export.read_bytes()
    assert verify(data) is None
    found, missed = run(made, data, verify, 10 * len(CHANGES), seed=11)
    assert missed.total() == 0, missed
    assert set(found) == {change.__name__ for change in CHANGES}


def test_the_run_would_notice_a_verifier_that_finds_nothing(made: Made) -> None:
    found, missed = run(made, made.export.read_bytes(), lambda _data: None, len(CHANGES), seed=11)
    assert (found.total(), missed.total()) == (0, len(CHANGES))


def test_the_run_packs_exactly_as_the_centre_does(made: Made) -> None:
    data = made.export.read_bytes()
    assert Export.unpacked(data).packed() == data
