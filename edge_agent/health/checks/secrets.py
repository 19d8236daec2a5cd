"""Nobody else can read the camera passwords in the settings."""

from collections.abc import Sequence
from pathlib import Path

from contract.state import Problem
from edge_agent.camera.source import may_hold_secrets
from edge_agent.keys import exposed
from edge_agent.sections.core import Window


def check(settings_file: Path, windows: Sequence[Window]) -> Problem | None:
    """A problem when the settings file may be read by others and an address in it may hold a password. Raises OSError if it is missing."""
    mode = settings_file.stat().st_mode & 0o777
    if not exposed(settings_file, mode) or not any(may_hold_secrets(window.source) for window in windows):
        return None
    detail = f"{settings_file.name} holds camera passwords and may be read by others (mode {mode:o}); run: chmod 600 {settings_file}"
    return Problem(check="secrets", detail=detail[:200])
