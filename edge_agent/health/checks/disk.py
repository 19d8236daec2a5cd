"""There is room for what must be kept."""

import shutil
from pathlib import Path

from contract.state import Problem


def check(folder: Path, min_free_mb: int) -> Problem | None:
    """A problem when less than `min_free_mb` are free where `folder` lies."""
    free_mb = shutil.disk_usage(folder).free // 2**20
    if free_mb >= min_free_mb:
        return None
    detail = f"{free_mb} MB are free where {folder} lies, {min_free_mb} are needed; delete what is not the agent's, or enlarge the disk"
    return Problem(check="disk", detail=detail[:200])
