"""The limits file: three bands that were measured, what they promise, and for which networks. Noticed when edited or when of another model.

The checksum guards against a slip of the hand, not against somebody who wants to deceive: who may write the file may write another one.
"""

import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from models.errors import LimitsEdited, VersionMismatch
from models.evaluation.rates import BandLimits, Rate
from models.files import sha256, write_whole

HEAD = """# The three bands of a verdict, as measured. Written by `python -m models calibrate`; make a new one instead of editing it:
# an edited file, and one of other networks, is refused.
"""
AGAIN = "make it again: python -m models calibrate"


def write_limits(path: Path, limits: BandLimits, promises: Sequence[Rate], report: Mapping[str, Any]) -> None:
    """Write the file for the networks of `report`, with the rates that `promises` carry."""
    content: dict[str, Any] = {
        "limits": {"same": limits.same, "different": limits.different, "min_good_frames": limits.min_good_frames},
        "models": {"embedder_version": report["version"], **{name: str(value) for name, value in report["models"].items()}},
        "source": {
            "kind": report["kind"],
            "made_at": report["made_at"],
            "labels_sha256": report["labels"]["sha256"],
            "people": report["people"],
        },
        "promise": [_promise(rate) for rate in promises],
    }
    write_whole(path, (HEAD + f'checksum = "{_checksum(content)}"\n' + _toml(content)).encode())


def read_limits(path: Path, embedder_version: str) -> BandLimits:
    """The bands of a limits file for vectors of `embedder_version`.

    Raises VersionMismatch when they were measured with another embedder, LimitsEdited when the file is not as it was written, OSError when
    it cannot be read.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise LimitsEdited(f"{path} cannot be read as limits ({error}); {AGAIN}") from error
    checksum = content.pop("checksum", None)
    found = _checksum(content)
    if checksum != found:
        raise LimitsEdited(f"{path} has the checksum {checksum!s:.12}, its content {found[:12]}: it was edited or damaged; {AGAIN}")
    try:
        version, limits = content["models"]["embedder_version"], BandLimits(**content["limits"])
    except (KeyError, TypeError, ValueError) as error:
        raise LimitsEdited(f"{path} does not hold what limits need ({error}); {AGAIN}") from error
    if version != embedder_version:
        raise VersionMismatch(f"{path} was measured with {version}, this program compares with {embedder_version}; {AGAIN}")
    return limits


def _promise(rate: Rate) -> dict[str, Any]:
    return {
        "level": rate.level,
        "rate": rate.name,
        "errors": rate.errors,
        "trials": rate.trials,
        "low": rate.exact.low,
        "high": rate.exact.high,
        "claim": rate.statement,
    }


def _checksum(content: Mapping[str, Any]) -> str:
    return sha256(json.dumps(content, sort_keys=True, default=str).encode())


def _toml(content: Mapping[str, Any]) -> str:
    parts = []
    for name, value in content.items():
        tables = value if isinstance(value, list) else [value]
        head = f"[[{name}]]" if isinstance(value, list) else f"[{name}]"
        parts += [f"\n{head}\n" + "".join(f"{key} = {json.dumps(entry)}\n" for key, entry in table.items()) for table in tables]
    return "".join(parts)
