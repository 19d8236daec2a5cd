"""A file of measured limits: TOML with a checksum over what it holds, so that a slip of the hand is noticed.

The checksum does not guard against somebody who wants to deceive: who may write the file may write another one.
"""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from models.errors import LimitsEdited
from models.evaluation.rates import Rate
from models.files import sha256, write_whole

AGAIN = "make it again: python -m models calibrate"


def write(path: Path, head: str, content: Mapping[str, Any]) -> None:
    """Write tables (or lists of tables) of plain values under the comment `head`. Replaces the file as a whole or not at all."""
    body = _toml(content)
    write_whole(path, (head + f'checksum = "{_checksum(tomllib.loads(body))}"\n' + body).encode())


def read(path: Path) -> dict[str, Any]:
    """What `write` was given. Raises LimitsEdited when the file is not as it was written, OSError when it cannot be read."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise LimitsEdited(f"{path} cannot be read as limits ({error}); {AGAIN}") from error
    checksum = content.pop("checksum", None)
    found = _checksum(content)
    if checksum != found:
        raise LimitsEdited(f"{path} has the checksum {checksum!s:.12}, its content {found[:12]}: it was edited or damaged; {AGAIN}")
    return content


def source(report: Mapping[str, Any]) -> dict[str, Any]:
    """The table that says from which measurement limits come."""
    return {
        "kind": report["kind"],
        "made_at": report["made_at"],
        "labels_sha256": report["labels"]["sha256"],
        "people": report["people"],
    }


def promise(rate: Rate) -> dict[str, Any]:
    """One row of what limits promise: what was counted, its interval, and what may be said."""
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
        parts += [f"\n{head}\n" + "".join(f"{key} = {_value(entry)}\n" for key, entry in table.items()) for table in tables]
    return "".join(parts)


def _value(entry: Any) -> str:
    """JSON and TOML write these alike, but for the one control character that only TOML wants escaped."""
    return json.dumps(entry, allow_nan=False).replace("\x7f", "\\u007f")
