"""The centre's end of the broker: subscribes with manual acknowledgement and puts messages into a bounded queue.

A message is acknowledged to the broker only after the database commit; what was not is delivered again.
"""

import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from queue import Empty, Full, Queue
from time import monotonic
from typing import Any, Protocol

import paho.mqtt.client as mqtt
import structlog
from paho.mqtt.enums import CallbackAPIVersion

from central.captures.model import Incoming
from central.errors import Misconfigured
from central.keys import CentreKeys
from central.settings import BrokerSettings
from contract.topics import ingest_filters

_QUEUE = 4000
_KEEPALIVE_S = 30
_RECONNECT_MAX_S = 5
_PUT_TIMEOUT_S = 30
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A message that still has to be acknowledged."""

    message: Incoming
    mid: int
    qos: int
    client: Any


class Bus(Protocol):
    """What ingest needs of a broker."""

    def take(self, limit: int, wait_s: float) -> Sequence[Delivery]:
        """Up to `limit` messages; waits `wait_s` for the batch to fill after its first, and at most 0.2 s for a first."""

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """The messages are committed; the broker may forget them."""

    def publish(self, topic: str, payload: bytes) -> bool:
        """Send, or say that it cannot be sent now and is dropped: receipts and commands are made again from the database."""


class MqttBus:
    """paho-mqtt over mutual TLS with a persistent session. Its network loop runs in a thread of its own."""

    def __init__(self, settings: BrokerSettings, keys: CentreKeys) -> None:
        """Does not connect yet."""
        self._settings, self._keys = settings, keys
        self._queue: Queue[Delivery] = Queue(_QUEUE)
        self._client = self._new_client()

    def start(self) -> None:
        """Connect in the background and keep connected."""
        self._client.connect_async(self._settings.host, self._settings.port, _KEEPALIVE_S)
        self._client.loop_start()

    def stop(self) -> None:
        """Disconnect; unacknowledged messages come again to whoever connects next under this id."""
        self._client.disconnect()
        self._client.loop_stop()

    @property
    def connected(self) -> bool:
        """Whether the broker answers now."""
        return bool(self._client.is_connected())

    def take(self, limit: int, wait_s: float) -> Sequence[Delivery]:
        """See Bus."""
        try:
            batch = [self._queue.get(timeout=0.2)]
        except Empty:
            return []
        deadline = monotonic() + wait_s
        while len(batch) < limit:
            try:
                batch.append(self._queue.get(timeout=max(0.0, deadline - monotonic())))
            except Empty:
                break
        return batch

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """See Bus."""
        for delivery in deliveries:
            delivery.client.ack(delivery.mid, delivery.qos)

    def publish(self, topic: str, payload: bytes) -> bool:
        """See Bus."""
        return self._client.is_connected() and self._client.publish(topic, payload, qos=1).rc == mqtt.MQTT_ERR_SUCCESS

    def _new_client(self) -> mqtt.Client:
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._keys.private_name(self._settings.ingest_id),
            protocol=mqtt.MQTTv311,
            clean_session=False,
            manual_ack=True,
        )
        self._tls = _tls_context(self._keys)
        client.tls_set_context(self._tls)
        client.reconnect_delay_set(1, _RECONNECT_MAX_S)
        client.on_socket_open = _no_delay
        client.on_connect = self._on_connect
        client.on_message = self._on_message
        client.on_disconnect = self._on_disconnect
        return client

    def _on_connect(self, client: mqtt.Client, _data: object, _flags: object, reason: Any, _properties: object) -> None:
        if reason.is_failure:
            log.warning("broker.refused", reason=str(reason))
            return
        filters = ingest_filters(self._settings.shards)
        client.subscribe([(one, 1) for one in filters])
        log.info("broker.connected", host=self._settings.host, port=self._settings.port, filters=len(filters))

    def _on_disconnect(self, _client: mqtt.Client, _data: object, _flags: object, reason: Any, _properties: object) -> None:
        """The next connection is made with the certificate as it lies there now: it may have been renewed."""
        log.info("broker.disconnected", reason=str(reason))
        try:
            self._tls.load_cert_chain(*self._keys.tls("central"))
        except OSError as error:
            log.warning("broker.certificate_not_read", error=str(error))

    def _on_message(self, client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        """Runs in the network thread, where an exception would end the thread for good."""
        try:
            incoming = Incoming(topic=message.topic, payload=bytes(message.payload))
            self._queue.put(Delivery(message=incoming, mid=message.mid, qos=message.qos, client=client), timeout=_PUT_TIMEOUT_S)
        except Full:
            log.warning("ingest.behind", queue=_QUEUE, note="not acknowledged, the broker sends it again")
        except UnicodeDecodeError:
            client.ack(message.mid, message.qos)
            log.warning("ingest.topic_unreadable")


def _tls_context(keys: CentreKeys) -> ssl.SSLContext:
    certificate, key = keys.tls("central")
    try:
        context = ssl.create_default_context(cafile=str(keys.tls("ca")[0]))
        context.load_cert_chain(certificate, key)
    except OSError as error:
        raise Misconfigured(f"TLS files of the centre in {keys.folder} cannot be used: {error}") from None
    return context


def _no_delay(_client: mqtt.Client, _data: object, connection: Any) -> None:
    """Without this, small messages wait for each other: 22 ms instead of 0.7 ms."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
