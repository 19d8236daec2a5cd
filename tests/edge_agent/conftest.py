"""Logs as in production for every test: one line each, without the variables of a failed frame."""

import pytest
import structlog

from edge_agent.health import logs


@pytest.fixture(autouse=True)
def plain_logs() -> None:
    structlog.reset_defaults()  # a command that ran in this process sent them to a standard error that is closed now
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            logs.mask_persons,
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(),
        ],
        cache_logger_on_first_use=False,
    )
