"""What the machine says about itself, read from Linux's own files. None where this machine does not say."""

import os
from datetime import datetime
from pathlib import Path

from cryptography.x509 import load_pem_x509_certificate

PROC, THERMAL = Path("/proc"), Path("/sys/class/thermal")
MB = 2**20


def hottest_c(zones: Path = THERMAL) -> float | None:
    """Degrees of the hottest zone; zones that cannot be read, or say nothing sensible, are passed over."""
    found = [degrees for zone in zones.glob("thermal_zone*/temp") if (degrees := _degrees(zone)) is not None]
    return max(found, default=None)


def resident_mb(proc: Path = PROC) -> float:
    """Memory of this process that lies in RAM. Raises OSError."""
    pages = int((proc / "self" / "statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / MB


def available_mb(proc: Path = PROC) -> float | None:
    """Memory that programs may still get without swapping. Raises OSError."""
    for line in (proc / "meminfo").read_text(encoding="ascii").splitlines():
        name, _, rest = line.partition(":")
        if name == "MemAvailable":
            return int(rest.split()[0]) / 1024
    return None


def certificate_ends(file: Path) -> datetime:
    """When the first certificate of this file ends, UTC. Raises OSError or ValueError."""
    return load_pem_x509_certificate(file.read_bytes()).not_valid_after_utc


def _degrees(file: Path) -> float | None:
    try:
        thousandths = int(file.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
    return thousandths / 1000 if 0 < thousandths < 200_000 else None
