"""Configuration of Mosquitto: pure text from names and paths."""

from collections.abc import Iterable
from pathlib import Path

from central.broker.nats import Listener
from central.certificates import CENTRE_NAME
from contract.message import MAX_BYTES
from contract.topics import ROOT, shard

_MAX_QUEUED = 100_000
"""Messages that wait for an ingest worker that is away; above it Mosquitto drops silently, and the devices send again."""


def configuration(listener: Listener, *, store: Path, access_list: Path, account: str, revoked: Path | None = None) -> str:
    """Text of mosquitto.conf: mutual TLS, the certificate's common name is the user name, windows as large as ours.

    `account` is the system's user that may read the key file; a broker started as root becomes that one. `revoked` lists certificates that
    get no connection any more.
    """
    list_of_revoked = "" if revoked is None else f"\ncrlfile {revoked}"
    return f"""user {account}
listener {listener.port} {listener.host}
cafile {listener.authority}
certfile {listener.certificate}
keyfile {listener.key}{list_of_revoked}
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


def access_list(devices: Iterable[str]) -> str:
    """Text of the access list: a device writes and reads below its own name only; the centre everywhere below our root.

    Devices are named one by one, so that one that is revoked reaches nothing after Mosquitto has read the file again (SIGHUP).
    """
    blocks = [f"user {CENTRE_NAME}\ntopic readwrite {ROOT}/#\n"]
    for device in sorted(devices):
        blocks.append(f"user {device}\ntopic write {ROOT}/up/{shard(device):02d}/{device}/+\ntopic read {ROOT}/down/{device}/+\n")
    return "\n".join(blocks)
