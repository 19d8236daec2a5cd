"""There is room for what must be kept."""

import shutil
from pathlib import Path

from contract.state import Problem


def check(folder: Path, min_free_mb: int) -> Problem | None:
    """A problem when less than `min_free_mb` are free where `folder` lies."""
    free_mb = shutil.disk_usage(folder).free // 2**20
    return Problem(check="disk", detail=f"{free_mb} MB are free, {min_free_mb} are needed") if free_mb < min_free_mb else None
