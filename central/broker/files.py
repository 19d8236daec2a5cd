"""Write the brokers' configuration files for the devices that may connect now, and keep them true while a broker runs."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from central.broker import mosquitto, nats
from central.broker.clients import Clients
from central.broker.nats import Listener
from central.certificates import read_revocation_list, revocation_list
from central.db import utc_now
from central.files import write_whole
from central.keys import CentreKeys


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerFiles:
    """Where the files lie."""

    nats: Path
    mosquitto: Path
    access_list: Path
    revoked: Path


def write(folder: Path, keys: CentreKeys, *, host: str, port: int, clients: Clients) -> tuple[BrokerFiles, bool]:
    """Write both brokers' files; says whether any content is new, so that a running broker must read it again."""
    certificate, key = keys.tls("broker")
    authority = keys.tls("ca")[0]
    listener = Listener(host=host, port=port, certificate=certificate.resolve(), key=key.resolve(), authority=authority.resolve())
    here = folder.resolve()
    files = BrokerFiles(
        nats=here / "nats.conf", mosquitto=here / "mosquitto.conf", access_list=here / "mosquitto.acl", revoked=here / "mosquitto.crl"
    )
    for store in (here / "nats-store", here / "mosquitto-store"):
        store.mkdir(parents=True, exist_ok=True)
    account = key.owner()
    revoked = _write_revoked(files.revoked, keys, clients, utc_now())
    texts = {
        files.nats: nats.configuration(listener, store=here / "nats-store", devices=clients.devices),
        files.access_list: mosquitto.access_list(clients.devices),
        files.mosquitto: mosquitto.configuration(
            listener,
            store=here / "mosquitto-store",
            access_list=files.access_list,
            account=account,
            revoked=files.revoked if files.revoked.exists() else None,
        ),
    }
    return files, any([revoked, *(_write(path, text.encode()) for path, text in texts.items())])


def _write(path: Path, content: bytes) -> bool:
    if path.exists() and path.read_bytes() == content:
        return False
    write_whole(path, content)
    return True


def _write_revoked(path: Path, keys: CentreKeys, clients: Clients, now: datetime) -> bool:
    """A new list when another certificate was cut off. An authority whose key is not here gives its own list, to be put there."""
    if not keys.tls("ca")[1].exists():
        return False
    try:
        listed, since = read_revocation_list(path.read_bytes())
    except (FileNotFoundError, ValueError):
        listed, since = None, None
    if listed == frozenset(clients.cut_off):
        return False
    write_whole(path, revocation_list(keys.authority(), clients.cut_off, after=since, now=now))
    return True
