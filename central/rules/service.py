"""What others may ask of the rules file without knowing the rules."""

from pathlib import Path

from central.rules.model import IndicatorLimits
from central.rules.registry import read_rules


def indicator_limits(path: Path) -> IndicatorLimits:
    """The parameters of the indicators, as the file says now. Raises Misconfigured for a file that cannot be used."""
    return read_rules(path).indicators
