"""Configuration of the embedded broker (NATS server speaking MQTT 3.1.1): pure text from names and paths."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from central.certificates import CENTRE_NAME, client_mail
from contract.message import MAX_BYTES
from contract.topics import ROOT, shard

_MAX_PAYLOAD = MAX_BYTES + 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """Where a broker listens, and its TLS files."""

    host: str
    port: int
    certificate: Path
    key: Path
    authority: Path


def configuration(listener: Listener, *, store: Path, devices: Mapping[str, Sequence[str]]) -> str:
    """Text of nats.conf: mutual TLS on both ports, one user per certificate, each device confined to its own topics.

    `devices` are names with the e-mail forms of their certificates.
    The native port is opened on loopback at a free number only because the server insists on one; it asks for the same certificates.
    """
    tls = _tls(listener)
    users = "\n".join([_centre(), *(_device(device, mail) for device, mails in sorted(devices.items()) for mail in mails)])
    return f"""server_name: window-watch
host: 127.0.0.1
port: -1
{tls}
max_payload: {_MAX_PAYLOAD}
jetstream {{ store_dir: {json.dumps(str(store))} }}
mqtt {{
  host: {json.dumps(listener.host)}
  port: {listener.port}
  max_ack_pending: 2000
  {tls}
}}
authorization {{ users = [
{users}
] }}
"""


def _tls(listener: Listener) -> str:
    files = {"cert_file": listener.certificate, "key_file": listener.key, "ca_file": listener.authority}
    return "tls { " + ", ".join(f"{key}: {json.dumps(str(path))}" for key, path in files.items()) + ", verify_and_map: true, timeout: 10 }"


def _centre() -> str:
    return f'  {{ user: "{client_mail(CENTRE_NAME)}", permissions: {{ publish: [">"], subscribe: [">"] }} }}'


def _device(device: str, mail: str) -> str:
    publish = f"{ROOT}.up.{shard(device):02d}.{device}.*"
    subscribe = [f"{ROOT}.down.{device}.*", "$MQTT.sub.>", "$MQTT.deliver.pubrel.>"]
    return f'  {{ user: {json.dumps(mail)}, permissions: {{ publish: ["{publish}"], subscribe: {json.dumps(subscribe)} }} }}'
