"""Sites: a legal basis before pictures."""

from dataclasses import replace
from pathlib import Path

import pytest

from central.errors import BadInput
from central.sites import service as sites
from central.sites.model import NewSite
from central.wiring import Centre
from contract.events import EvidenceMode
from tests import builders
from tests.central.building import make_centre

NEW = NewSite(
    fixmedins_code="H11010000001", fixmedins_name="示例医院", admdvs="110100", evidence_mode=EvidenceMode.VERDICT_ONLY, legal_basis=None
)


@pytest.fixture
def centre(tmp_path: Path) -> Centre:
    return make_centre(tmp_path)


@pytest.mark.parametrize("mode", [EvidenceMode.ALL, EvidenceMode.FLAGGED_ONLY])
@pytest.mark.parametrize("basis", [None, "", "  "])
def test_pictures_leave_a_window_only_on_a_legal_basis(centre: Centre, mode: EvidenceMode, basis: str | None) -> None:
    with pytest.raises(BadInput, match="legal basis"), centre.engine.begin() as db:
        sites.register_site(db, replace(NEW, evidence_mode=mode, legal_basis=basis), now=builders.AT, actor="test")
