"""Both ends for the tests of enrolment: a real centre in a folder, and carriers that bring a request to it."""

from dataclasses import replace
from pathlib import Path
from typing import Self

from central.enrolment import granting
from central.enrolment.model import PlannedCamera, PlannedTerminal
from central.wiring import Centre
from contract.enrolment import Token, read_envelope
from tests.builders import AT, DEVICE, SITE
from tests.central.building import make_centre
from tests.central.enrolment.terminal import planned

PLANNED = PlannedTerminal(
    device_id=DEVICE,
    fixmedins_code=SITE,
    cameras=(PlannedCamera(window="W1", source="clip.mkv"),),
    broker_host="127.0.0.1",
    broker_port=8883,
)


class Ends:
    """A centre with one planned terminal, its token, and a way to it that counts what went over it."""

    def __init__(self, centre: Centre, device: str = DEVICE) -> None:
        self.centre, self.device, self.asked = centre, device, 0
        self.token: Token = planned(centre, replace(PLANNED, device_id=device), now=centre.now())

    @classmethod
    def new(cls, folder: Path) -> Self:
        """With a centre of its own, whose clock stands still."""
        return cls(make_centre(folder, now=lambda: AT))

    def carry(self, request: bytes) -> bytes:
        """What HTTP does."""
        self.asked += 1
        with self.centre.engine.begin() as db:
            return granting.answer(db, self.centre.keys, read_envelope(request), now=self.centre.now(), actor="test")
