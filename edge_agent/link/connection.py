"""One client object of the MQTT library, from connect to loss."""

import secrets
import socket
import ssl
import struct
from collections import deque
from collections.abc import Callable
from select import select
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from contract.topics import Up, down_filter, up
from edge_agent.clock import Clock
from edge_agent.keyring import tls_files
from edge_agent.link.states import States
from edge_agent.settings import Settings

LOOP_S = 0.05
CONNECT_S = HELLO_S = 2.0  # until the other end takes the connection, and of its silence before it accepts us: an attempt that began before
# the line came back must not outlast it for long
FAREWELL_S = 1.0
INBOX_SIZE = 1024  # receipts are cumulative and commands repeated: what does not fit comes again
MEDIA_UNDER_WAY = 256 * 1024  # bytes of pictures on their way at once: an event never waits behind more than these on a slow line
SLOWEST_LINE = 8 * 1024  # bytes a second: a picture may take so long before its acknowledgement is missed
_TCP_INFO = struct.Struct("=24xI92xQQ8xI")  # packets on their way, bytes acknowledged, bytes received, bytes not yet sent


class LinkLost(ConnectionError):
    """The connection cannot be used any more."""


class LinkSilent(LinkLost):
    """The other end took our connection, and then nothing moved for longer than we wait."""


class Connection:
    """One client object from connect to loss. Only the link's thread touches it."""

    def __init__(self, settings: Settings, states: States, number: int, clock: Clock, *, patience_s: float) -> None:
        """`patience_s` is how long nothing may move while a message waits for its acknowledgement."""
        self.number = number
        self.acknowledged = False
        self._settings, self._states, self._clock = settings, states, clock
        self._device = settings.device_id
        self._will = states.death(number)
        self._waiting: dict[int, int] = {}  # bytes of pictures, by the number of the message
        self._silence = _Silence(clock, HELLO_S)
        self._patience_s = patience_s
        self._received: deque[tuple[str, bytes]] = deque(maxlen=INBOX_SIZE)
        self._accepted = False
        self._lost: str | None = None
        self._client = self._new_client()

    @property
    def has_room(self) -> bool:
        """Whether another message may be on its way."""
        return len(self._waiting) < self._settings.link.send_window

    @property
    def has_room_for_media(self) -> bool:
        """Whether it may be a part of a picture."""
        return self.has_room and self._media_under_way < MEDIA_UNDER_WAY

    def open(self) -> None:
        """Connect, subscribe and say that we were born. Raises OSError when the broker is unreachable or refuses."""
        self._client.connect(self._settings.broker.host, self._settings.broker.port, self._settings.link.keepalive_s)
        while not self._accepted:
            self.loop()
        self._silence = _Silence(self._clock, self._patience_s)
        self._client.subscribe(down_filter(self._device), qos=1)
        self.publish(Up.STATE, self._states.birth(self.number))

    def loop(self) -> None:
        """Let the network work for a moment. Raises LinkLost."""
        result = self._client.loop(LOOP_S)
        if result != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise LinkLost(mqtt.error_string(result))
        if self._lost is not None:
            raise LinkLost(self._lost)
        waiting, extra_s = bool(self._waiting) or not self._accepted, self._media_under_way / SLOWEST_LINE
        self._silence.look(self._client.socket(), waiting=waiting, extra_s=extra_s)

    def publish(self, channel: Up, payload: bytes) -> None:
        """Hand a message to the broker. Raises LinkLost; the message is still in the outbox then."""
        info = self._client.publish(up(channel, self._device), payload, qos=1)
        if info.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise LinkLost(mqtt.error_string(info.rc))
        self._waiting[info.mid] = len(payload) if channel is Up.MEDIA else 0

    def received(self) -> list[tuple[str, bytes]]:
        """What came since the last call."""
        messages = list(self._received)
        self._received.clear()
        return messages

    def farewell(self) -> None:
        """Publish our own death and disconnect in good order, for the broker keeps the will to itself then.

        A broker that gives no room for it in time gets no farewell, and publishes the will when the connection is cut.
        """
        if not self._acknowledges(lambda: self.has_room):
            return
        self.publish(Up.STATE, self._will)
        self._acknowledges(lambda: not self._waiting)
        self._client.disconnect()

    def close(self) -> None:
        """Cut the connection; without a farewell the broker publishes the will."""
        if (open_socket := self._client.socket()) is not None:
            open_socket.close()

    @property
    def _media_under_way(self) -> int:
        return sum(self._waiting.values())

    def _acknowledges(self, enough: Callable[[], bool]) -> bool:
        """Whether enough was acknowledged within the time of a farewell."""
        until_s = self._clock.mono_s() + FAREWELL_S
        while not enough() and self._clock.mono_s() < until_s:
            self.loop()
        return enough()

    def _new_client(self) -> mqtt.Client:
        # A new name each time: whoever knows a client's name at a broker can throw it out, and there is no broker session to come back to.
        name = f"{self._device}-{secrets.token_hex(8)}"
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=mqtt.MQTTv311, clean_session=True)
        client.tls_set_context(_patient(new_tls(self._settings), self._clock))
        client.will_set(up(Up.STATE, self._device), self._will, qos=1)
        client.max_inflight_messages_set(2 * self._settings.link.send_window)  # our own window is the limit
        client.connect_timeout = CONNECT_S
        client.on_socket_open = _no_delay
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        return client

    def _on_connect(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self._lost = f"the broker refused this device: {reason}"
        else:
            self._accepted = True

    def _on_disconnect(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        self._lost = f"disconnected: {reason}"

    def _on_subscribe(self, _client: Any, _data: Any, _mid: int, reasons: Any, _properties: Any) -> None:
        if any(reason.is_failure for reason in reasons):
            self._lost = "the broker refuses our own topics: this device's account there is wrong"

    def _on_publish(self, _client: Any, _data: Any, mid: int, _reason: Any, _properties: Any) -> None:
        self._waiting.pop(mid, None)
        self.acknowledged = True

    def _on_message(self, _client: Any, _data: Any, message: Any) -> None:
        self._received.append((message.topic, message.payload))


def new_tls(settings: Settings) -> ssl.SSLContext:
    """TLS with our certificate, believing only the broker's authority. Raises OSError for files that cannot be used."""
    context = ssl.create_default_context(cafile=settings.files.tls_ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(*tls_files(settings.files))
    return context


def _patient(context: ssl.SSLContext, clock: Clock) -> ssl.SSLContext:
    """The same, with a handshake that goes on as long as bytes move, and no longer."""

    class PatientSocket(ssl.SSLSocket):
        def do_handshake(self, block: bool = False) -> None:
            self.setblocking(False)
            silence = _Silence(clock, HELLO_S)
            while True:
                try:
                    return super().do_handshake(block)
                except ssl.SSLWantReadError:
                    select([self], [], [], LOOP_S)
                except ssl.SSLWantWriteError:
                    select([], [self], [], LOOP_S)
                silence.look(self, waiting=True)

    context.sslsocket_class = PatientSocket
    return context


class _Silence:
    """Notices that nothing moves, by what the kernel counts (`struct tcp_info` in linux/tcp.h; Linux only).

    While bytes are on their way to the other end it must take them, however slowly. When it has taken all, it must say something.
    """

    def __init__(self, clock: Clock, patience_s: float) -> None:
        self._clock, self._patience_s = clock, patience_s
        self._taken = self._said = 0
        self._moved_s = clock.mono_s()

    def look(self, open_socket: Any, *, waiting: bool, extra_s: float = 0.0) -> None:
        """Raises LinkSilent when nothing has moved for too long while something was waited for; an answer may take `extra_s` more."""
        packets, taken, said, unsent = _TCP_INFO.unpack(open_socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size))
        under_way, now_s = bool(packets or unsent), self._clock.mono_s()
        if not waiting or said != self._said or (under_way and taken != self._taken):
            self._moved_s = now_s
        self._taken, self._said = taken, said
        if now_s - self._moved_s > self._patience_s + (0.0 if under_way else extra_s):
            raise LinkSilent(f"nothing moved for {now_s - self._moved_s:.0f} s while an answer was waited for")


def _no_delay(_client: Any, _data: Any, open_socket: Any) -> None:
    open_socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
