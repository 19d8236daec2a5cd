"""The face networks are there and are the right ones."""

from pathlib import Path

from contract.state import Problem
from models.errors import ModelError
from models.pack import load_pack


def check(folder: Path | None) -> Problem | None:
    """A problem when the networks cannot be loaded and verified. Takes about a second."""
    try:
        load_pack(folder)
    except ModelError as error:
        return Problem(check="weights", detail=str(error)[:200])
    return None
