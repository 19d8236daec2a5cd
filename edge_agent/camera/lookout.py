"""One window's camera and view together: whether the window can be seen, and if not, why."""

from edge_agent.camera.coverage import Coverage
from edge_agent.camera.view import View
from edge_agent.ports import Camera, Fault, Frame


class Lookout:
    """What stands between a camera and those who look at its frames. `next` from one thread; `faults` from any."""

    def __init__(self, window: str, camera: Camera, view: View, coverage: Coverage) -> None:
        """`view` is that of this camera; `coverage` hears at every call of `next` whether the window can be seen."""
        self._window, self._camera, self._view, self._coverage = window, camera, view, coverage
        self._last_number = 0

    @property
    def faults(self) -> tuple[Fault, ...]:
        """Why the window cannot be seen now; empty when it can. Without a picture nothing is known of the view."""
        fault = self._camera.fault
        return self._view.faults if fault is None else (fault,)

    def next(self) -> Frame | None:
        """The camera's newest frame, once; its view has been looked at then. None when there is no new one."""
        frame = self._camera.newest()
        new = frame is not None and frame.number != self._last_number
        if frame is not None and new:
            self._last_number = frame.number
            self._view.look(frame.picture, frame.mono_s)
        self._coverage.note(self._window, self.faults)
        return frame if new else None
