"""The limits file of comparison: the bands that were measured, what they promise, and for which networks."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from models.errors import LimitsEdited, VersionMismatch
from models.evaluation import limits_file
from models.evaluation.limits_file import AGAIN
from models.evaluation.rates import BandLimits, Rate

HEAD = """# The bands of a verdict, as measured. Written by `python -m models calibrate`; make a new one instead of editing it:
# an edited file, and one of other networks, is refused.
"""


def write_limits(path: Path, limits: BandLimits, promises: Sequence[Rate], report: Mapping[str, Any]) -> None:
    """Write the file for the networks of `report`, with the rates that `promises` carry."""
    content = {
        "limits": asdict(limits),
        "models": {"embedder_version": report["version"], **{name: str(value) for name, value in report["models"].items()}},
        "source": limits_file.source(report),
        "promise": [limits_file.promise(rate) for rate in promises],
    }
    limits_file.write(path, HEAD, content)


def read_limits(path: Path, embedder_version: str) -> BandLimits:
    """The bands of a limits file for vectors of `embedder_version`; a file from before `per_decade` was measured gets its default,
    one from before strengths were measured hides no frame.

    Raises VersionMismatch when they were measured with another embedder, LimitsEdited when the file is not as it was written, OSError when
    it cannot be read.
    """
    content = limits_file.read(path)
    try:
        version, limits = content["models"]["embedder_version"], BandLimits.written(content["limits"])
    except (KeyError, TypeError, ValueError) as error:
        raise LimitsEdited(f"{path} does not hold what limits need ({error}); {AGAIN}") from error
    if version != embedder_version:
        raise VersionMismatch(f"{path} was measured with {version}, this program compares with {embedder_version}; {AGAIN}")
    return limits
