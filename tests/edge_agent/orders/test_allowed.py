"""What may be set from afar: numbers and switches of how the agent behaves, and nothing else."""

from typing import Any

import pytest

from edge_agent.orders.allowed import CLOSED, KEPT, OPEN, TYPES, fields, refuse_unallowed
from edge_agent.settings import Settings


def test_every_setting_of_the_file_is_either_open_or_closed_with_a_reason() -> None:
    assert set(OPEN) | set(CLOSED) == set(Settings.model_fields) and not set(OPEN) & set(CLOSED)
    assert all(CLOSED.values()) and all(KEPT.values())


@pytest.mark.parametrize("place", KEPT)
def test_what_is_kept_back_is_a_setting_of_an_open_section(place: str) -> None:
    section, name = place.split(".")
    assert section in OPEN and name in fields(section)


def test_everything_open_is_a_number_or_a_switch_or_refused() -> None:
    for section in OPEN:
        for name, field in fields(section).items():
            refusal = refuse_unallowed({section: {name: 1}})
            assert (refusal is None) is (field.annotation in TYPES and f"{section}.{name}" not in KEPT), (section, name)


@pytest.mark.parametrize(
    ("overlay", "why", "names"),
    [
        ({"files": {"sign_key": "x.pem"}}, "not_allowed", "files.sign_key"),
        ({"broker": {"host": "evil.example"}}, "not_allowed", "broker.host"),
        ({"centre": {"seal_key": "A"}}, "not_allowed", "centre.seal_key"),
        ({"till": {"port": 1}}, "not_allowed", "till.port"),
        ({"windows": {"source": "rtsp://x"}}, "not_allowed", "windows.source"),
        ({"networks": {"threads": 4}}, "not_allowed", "networks.threads"),
        ({"evidence_mode": {"value": "all"}}, "not_allowed", "evidence_mode.value"),
        ({"legal_basis": {"value": "x"}}, "not_allowed", "legal_basis.value"),
        ({"device_id": {"value": "x"}}, "not_allowed", "device_id.value"),
        ({"limits": {"measured": "x.toml"}}, "not_allowed", "limits.measured"),
        ({"machine": {"probation_s": 5}}, "not_allowed", "machine.probation_s"),
        ({"film": {"blur_bystanders": False}}, "not_allowed", "film.blur_bystanders"),
        ({"times": {"idle_fsp": 1}}, "unknown_setting", "times.idle_fsp"),
        ({"nothing": {"at_all": 1}}, "unknown_setting", "nothing.at_all"),
        ({"model_config": {"frozen": 1}}, "unknown_setting", "model_config.frozen"),
        ({"limits": {"same": 0.7}, "times": {"idle_fps": 4}, "broker": {"port": 1}}, "not_allowed", "broker.port"),
    ],
)
def test_what_is_refused_is_named(overlay: dict[str, Any], why: str, names: str) -> None:
    refusal = refuse_unallowed(overlay)
    assert refusal is not None and refusal.why == why and names in refusal.detail and len(refusal.detail) <= 200
    assert not any(str(value) in refusal.detail for table in overlay.values() for value in table.values() if isinstance(value, str))


def test_an_empty_overlay_is_allowed() -> None:
    assert refuse_unallowed({}) is None
