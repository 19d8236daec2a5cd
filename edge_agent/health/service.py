"""Talk to the service manager (systemd's notification protocol): ready, alive, stopping. Without one, nothing is said to anybody.

A datagram of `NAME=value` lines goes to the socket named by NOTIFY_SOCKET; "@" stands for the zero byte of an abstract one. Source:
sd_notify(3).
"""

import os
import socket
from collections.abc import Mapping

import structlog

READY, ALIVE, STOPPING = "READY=1", "WATCHDOG=1", "STOPPING=1"
FEEDS = 3  # times within the watchdog's patience
PATIENCE_S = 0.5  # with a service manager that does not read: it must not hold this program up

log = structlog.get_logger(__name__)


class ServiceManager:
    """Whoever started this program and wants to know how it is."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        """From the environment of this process, or another one."""
        found = os.environ if environment is None else environment
        self._address = found.get("NOTIFY_SOCKET", "")
        for_us = found.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        patience_us = found.get("WATCHDOG_USEC", "") if for_us else ""
        self.feed_every_s: float | None = int(patience_us) / 1e6 / FEEDS if patience_us.isdecimal() else None
        """How often it wants to hear that all is well; None when it does not ask."""

    def tell(self, *lines: str) -> bool:
        """Send these lines; says whether they could be. Never raises and never waits long: it is no reason to stop."""
        if not self._address:
            return False
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
                channel.settimeout(PATIENCE_S)
                channel.sendto("\n".join(lines).encode(), address)
        except OSError as error:
            log.warning("service_manager_not_told", why=str(error))
            return False
        return True
