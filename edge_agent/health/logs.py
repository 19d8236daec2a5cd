"""Logs as JSON lines. Persons appear only behind a mask, templates and pictures never."""

import logging
import sys

import structlog
from structlog.typing import EventDict, WrappedLogger

SHOWN = 4


def configure(level: int = logging.INFO) -> None:
    """Send all logs of this process from `level` on to standard error. Process-wide: for the program's entry, once, at start."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            mask_persons,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
    )


def mask_persons(_logger: WrappedLogger, _name: str, entry: EventDict) -> EventDict:
    """Shorten every `psn_no` to its end, whoever logged it."""
    if "psn_no" in entry:
        entry["psn_no"] = mask(str(entry["psn_no"]))
    return entry


def mask(psn_no: str) -> str:
    """The last characters of a number, at most half of it: enough to find it in a list, too little to name anybody."""
    return "…" + psn_no[len(psn_no) - min(SHOWN, len(psn_no) // 2) :]
