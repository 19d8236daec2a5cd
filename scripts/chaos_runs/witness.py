"""Listens to the centre's receipts on the wire: whoever sends a receipt must hold what it names, whatever becomes of the receipt."""

import ssl
import time
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from central.keys import CentreKeys
from contract.receipts import Receipt
from contract.sealed import TrustedKey, verify
from contract.topics import Down, down
from scripts.chaos_runs.ledgers import Heard


class Witness:
    """A client beside ingest, with the centre's certificate. `start` once, `stop` once. What is sent while it is away it does not hear."""

    def __init__(self, keys: CentreKeys, device: str, port: int) -> None:
        self.heard: set[Heard] = set()
        self.faults: list[str] = []
        self._heard_s = 0.0
        self._topic, self._port = down(Down.RECEIPT, device), port
        self._centre = TrustedKey(keys.signer.public)
        context = ssl.create_default_context(cafile=str(keys.tls("ca")[0]))
        context.load_cert_chain(*keys.tls("central"))
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=keys.private_name("witness"), protocol=mqtt.MQTTv311)
        self._client.tls_set_context(context)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda client, *_: client.subscribe(self._topic, 1)
        self._client.on_message = self._take

    def start(self) -> None:
        """Connect in the background and keep connected."""
        self._client.connect_async("127.0.0.1", self._port)
        self._client.loop_start()

    def stop(self) -> None:
        """Leave."""
        self._client.disconnect()
        self._client.loop_stop()

    def heard_since(self, mono_s: float) -> bool:
        """Whether a receipt has come since this moment of the monotonic clock."""
        return self._heard_s > mono_s

    def _take(self, _client: Any, _data: Any, message: Any) -> None:
        try:
            signed = verify(message.payload, lambda kid: self._centre if kid == self._centre.kid else None, Receipt.typ)
            receipt = Receipt.from_bytes(signed.payload)
            self.heard.add(Heard(epoch=receipt.epoch, up_to=receipt.up_to, head=receipt.head))
            self._heard_s = time.monotonic()
        except ValueError as error:  # an exception here would end the client's thread
            self.faults.append(f"a receipt that cannot be read: {error}")
