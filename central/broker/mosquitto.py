"""Configuration of Mosquitto: pure text from names and paths. The access list needs no device names, so enrolling changes no file."""

from pathlib import Path

from central.broker.nats import Listener
from central.certificates import CENTRE_NAME
from contract.message import MAX_BYTES
from contract.topics import ROOT

_MAX_QUEUED = 100_000
"""Messages that wait for an ingest worker that is away; above it Mosquitto drops silently, and the devices send again."""


def configuration(listener: Listener, *, store: Path, access_list: Path, account: str) -> str:
    """Text of mosquitto.conf: mutual TLS, the certificate's common name is the user name, windows as large as ours.

    `account` is the system's user that may read the key file; a broker started as root becomes that one.
    """
    return f"""user {account}
listener {listener.port} {listener.host}
cafile {listener.authority}
certfile {listener.certificate}
keyfile {listener.key}
require_certificate true
use_identity_as_username true
allow_anonymous false
acl_file {access_list}
set_tcp_nodelay true
max_inflight_messages 1000
max_queued_messages {_MAX_QUEUED}
message_size_limit {MAX_BYTES + 4096}
persistence true
persistence_location {store}/
autosave_interval 60
log_dest stderr
log_type warning
log_type error
"""


def access_list() -> str:
    """Text of the access list: a device writes and reads below its own name only; the centre everywhere below our root."""
    return f"""pattern write {ROOT}/up/+/%u/+
pattern read {ROOT}/down/%u/+

user {CENTRE_NAME}
topic readwrite {ROOT}/#
"""
