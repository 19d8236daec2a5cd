"""What the device says about itself, as the centre reads it."""

from pathlib import Path

import pytest

from contract.events import Software
from contract.sealed import verify
from contract.state import Birth, CameraState, Death, Health, Problem, parse_state
from edge_agent.chain import outbox
from edge_agent.disk.vault import Vault
from edge_agent.judging import gallery
from edge_agent.link.states import Device, States
from tests.edge_agent.building import DEVICE, make_terminal
from tests.fakes import HandClock, StillCamera

SOFTWARE = Software(agent="0", detector="d", embedder="e", limits_sha256="a" * 64, settings_sha256="b" * 64)
PROBLEM = Problem(check="disk", detail="full")


@pytest.mark.parametrize("available", [False, True])
def test_birth_health_and_death(tmp_path: Path, available: bool) -> None:
    terminal, clock = make_terminal(tmp_path), HandClock()
    box = outbox.Outbox(Vault.in_memory(outbox.SCHEMA), new_epoch=7)
    box.append(lambda place: str(place.seq).encode())
    states = States(
        signer=terminal.signer,
        device=Device(name=DEVICE, software=SOFTWARE, liveness_available=available),
        cameras={"W1": StillCamera(frames_per_second=24.0), "W2": StillCamera(status="lost", frames_per_second=0.0)},
        outbox=box,
        gallery=gallery.Faces(
            vault=Vault.in_memory(gallery.SCHEMA), seal_key=terminal.seal_key, device=DEVICE, embedder="colour-1", size=3
        ),
        problems=lambda: (PROBLEM,),
        clock=clock,
    )

    def read(signed: bytes) -> Birth | Health | Death:
        return parse_state(verify(signed, terminal.find_device_key, "state").payload)

    birth, health, death = read(states.birth(5)), read(states.health(5)), read(states.death(5))
    assert isinstance(birth, Birth) and isinstance(health, Health) and isinstance(death, Death)
    assert {state.connection for state in (birth, health, death)} == {5} and {state.epoch for state in (birth, health, death)} == {7}
    assert (birth.last_seq, birth.windows, birth.software, birth.liveness_available) == (1, ("W1", "W2"), SOFTWARE, available)
    assert (health.backlog, health.problems, health.gallery_version) == (1, (PROBLEM,), 0)
    assert health.cameras == (
        CameraState(window="W1", state="streaming", frames_per_second=24.0),
        CameraState(window="W2", state="lost", frames_per_second=0.0),
    )
    assert death.at == clock.now()
