"""Write the brokers' configuration files for the devices that may connect now, and keep them true while the embedded broker runs."""

from dataclasses import dataclass
from pathlib import Path

from central.broker import mosquitto, nats
from central.broker.nats import Listener
from central.files import write_whole
from central.keys import CentreKeys


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerFiles:
    """Where the files lie."""

    nats: Path
    mosquitto: Path
    access_list: Path


def write(folder: Path, keys: CentreKeys, *, host: str, port: int, devices: list[str]) -> tuple[BrokerFiles, bool]:
    """Write both brokers' files; says whether the embedded broker's content is new, so that it must read it again."""
    certificate, key = keys.tls("broker")
    authority = keys.tls("ca")[0]
    listener = Listener(host=host, port=port, certificate=certificate.resolve(), key=key.resolve(), authority=authority.resolve())
    here = folder.resolve()
    files = BrokerFiles(nats=here / "nats.conf", mosquitto=here / "mosquitto.conf", access_list=here / "mosquitto.acl")
    for store in (here / "nats-store", here / "mosquitto-store"):
        store.mkdir(parents=True, exist_ok=True)
    text = nats.configuration(listener, store=here / "nats-store", devices=devices)
    changed = not files.nats.exists() or files.nats.read_text() != text
    if changed:
        write_whole(files.nats, text.encode())
    write_whole(files.access_list, mosquitto.access_list(devices).encode())
    account = key.owner()
    text = mosquitto.configuration(listener, store=here / "mosquitto-store", access_list=files.access_list, account=account)
    write_whole(files.mosquitto, text.encode())
    return files, changed
