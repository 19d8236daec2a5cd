"""Fifty devices of fifty sites at one broker, every one against every other: what is not its own nobody reads and nobody writes."""

import ssl
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from threading import Lock

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from central.broker import files as broker_files
from central.broker.clients import Clients
from central.broker.process import BrokerProcess, EmbeddedBroker, Mosquitto, find_mosquitto
from central.certificates import Pair, issue_client, key_pem, mail_in, new_key
from central.errors import Misconfigured
from central.keys import CentreKeys, make_keys
from contract.topics import Down, Up, down, shard, up
from scripts.stack import free_port, wait_until
from tests import builders

N = 50
DEVICES = [f"P{99999900001 + number}-t1" for number in range(N)]
PATIENCE_S = 60
Got = tuple[str, str, str]


class Site:
    """One device's connection. What it receives goes into a book that all share: (receiver, topic, sender)."""

    def __init__(self, name: str, files: tuple[Path, Path, Path], port: int, book: "Book", will: str | None = None) -> None:
        self.name, self._port = name, port
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=f"{name}-{id(self)}", protocol=mqtt.MQTTv311)
        context = ssl.create_default_context(cafile=str(files[0]))
        context.load_cert_chain(files[1], files[2])
        self.client.tls_set_context(context)
        self.client.max_inflight_messages_set(10_000)
        if will is not None:
            self.client.will_set(will, name.encode(), qos=1)
        self.acknowledged: set[int] = set()
        self.refused = False
        self.client.on_disconnect = self._on_disconnect
        self.client.on_message = lambda _client, _data, message: book.add((name, message.topic, message.payload.decode()))
        self.client.on_publish = lambda _client, _data, mid, *_: self.acknowledged.add(mid)
        self.client.on_subscribe = lambda _client, _data, mid, *_: self.acknowledged.add(mid)

    def connect(self) -> bool:
        try:
            self.client.connect("127.0.0.1", self._port, 60)
        except OSError:
            return False
        self.client.loop_start()
        until_s = time.monotonic() + 10
        while not self.client.is_connected() and not self.refused and time.monotonic() < until_s:
            time.sleep(0.01)
        return self.client.is_connected()

    def _on_disconnect(self, *_: object) -> None:
        self.refused = True

    def say(self, topic: str, *, retain: bool = False) -> int:
        return self.client.publish(topic, self.name.encode(), qos=1, retain=retain).mid

    def listen(self, *topics: str) -> int:
        mid = self.client.subscribe([(topic, 1) for topic in topics])[1]
        assert mid is not None
        return mid

    def drop(self) -> None:
        """The line is cut: the broker publishes the will."""
        self.client.loop_stop()
        socket = self.client.socket()
        if socket is not None:
            socket.close()

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


class Book:
    def __init__(self) -> None:
        self._lock, self._got = Lock(), list[Got]()

    def add(self, got: Got) -> None:
        with self._lock:
            self._got.append(got)

    def take(self) -> Counter[Got]:
        with self._lock:
            got, self._got = self._got, []
        return Counter(got)


class Town:
    """A broker with the generated files, every device connected, and the centre, which hears all that the broker passes on."""

    def __init__(self, folder: Path, kind: str) -> None:
        self.folder, self.port, self.book = folder, free_port(), Book()
        self.keys: CentreKeys = make_keys(folder / "keys", broker_hosts=("127.0.0.1", "localhost"), now=builders.AT)
        self.pairs = {name: self._pair(name) for name in ("central", *DEVICES)}
        mails = {name: (str(mail_in(self.pairs[name].certificate.decode())),) for name in DEVICES}
        written, _ = broker_files.write(folder, self.keys, host="127.0.0.1", port=self.port, clients=Clients(devices=mails))
        self.broker: BrokerProcess = (
            EmbeddedBroker(configuration=written.nats, port=self.port, log=folder / "log")
            if kind == "embedded"
            else Mosquitto(configuration=written.mosquitto, port=self.port, log=folder / "log")
        )

    def site(self, name: str, will: str | None = None) -> Site:
        certificate, key = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        certificate.write_bytes(self.pairs[name].certificate)
        key.write_bytes(self.pairs[name].key)
        return Site(name, (self.keys.tls("ca")[0], certificate, key), self.port, self.book, will)

    def settle(self) -> Counter[Got]:
        """Everything that was said has been passed on when the centre's own word, said last, is heard by all; then what was heard."""
        asked = [(site, site.listen(down(Down.COMMAND, name))) for name, site in self.sites.items()]
        wait_until("every answer to a subscription", lambda: all(mid in site.acknowledged for site, mid in asked), PATIENCE_S)
        waiting = {(name, down(Down.COMMAND, name), "central") for name in self.sites}
        for name in self.sites:
            self.centre.say(down(Down.COMMAND, name))
        heard: Counter[Got] = Counter()
        until_s = time.monotonic() + PATIENCE_S
        while waiting - set(heard):
            assert time.monotonic() < until_s, f"{len(waiting - set(heard))} devices do not hear the centre"
            time.sleep(0.05)
            heard += self.book.take()
        time.sleep(0.3)
        return heard + self.book.take()

    def __enter__(self) -> "Town":
        self.broker.start()
        self.centre, self.sites = self.site("central"), {name: self.site(name) for name in DEVICES}
        assert self.centre.connect() and all(site.connect() for site in self.sites.values())
        self.centre.listen("v1/up/#")
        return self

    def __exit__(self, *_: object) -> None:
        for site in (self.centre, *self.sites.values()):
            site.close()
        self.broker.stop()

    def _pair(self, name: str) -> Pair:
        key = new_key()
        return Pair(certificate=issue_client(self.keys.authority(), key.public_key(), name=name, now=builders.AT), key=key_pem(key))


@pytest.fixture(scope="module", params=["embedded", "mosquitto"])
def town(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    if request.param == "mosquitto":
        try:
            find_mosquitto()
        except Misconfigured as error:
            pytest.skip(str(error))
    with Town(tmp_path_factory.mktemp("town"), request.param) as made:
        yield made


def foreign(heard: Counter[Got]) -> list[Got]:
    """What reached somebody that is neither the centre nor the owner of the topic, or was said on a topic by somebody else."""
    wrong = []
    for receiver, topic, sender in heard:
        owner = topic.split("/")[-2]
        spoken_by = sender in (owner, "central") if "/up/" in topic else sender == "central"
        if receiver not in (owner, "central") or not spoken_by:
            wrong.append((receiver, topic, sender))
    return wrong


def test_nobody_reads_another_devices_topics(town: Town) -> None:
    for name, site in town.sites.items():
        others = [other for other in DEVICES if other != name]
        site.listen(*(down(channel, other) for other in others for channel in Down))
        site.listen(*(up(channel, other) for other in others for channel in Up))
        site.listen("#", "+/+/+/+", "v1/#", "v1/down/#", "v1/down/+/command", "v1/up/#", "v1/up/+/+/event", f"v1/up/{shard(name):02d}/+/+")
        site.listen("$SYS/#", "$share/g/v1/#", "$MQTT/#", "$MQTT/sub/#", "$JS/API/#", "$SYS/broker/clients/#")
    heard = town.settle()
    for name, site in town.sites.items():
        for channel in Up:
            site.say(up(channel, name))
        town.centre.say(down(Down.RECEIPT, name))
    heard += town.settle()
    reached = {(receiver, topic) for receiver, topic, _ in heard}
    assert {("central", up(channel, name)) for name in DEVICES for channel in Up} <= reached, "the centre hears every device"
    assert foreign(heard) == []
    pairs = len(DEVICES) * (len(DEVICES) - 1)
    print(f"{pairs} of {pairs} pairs: nothing read across; {sum(heard.values())} messages to their owners")


def test_nobody_writes_another_devices_topics(town: Town) -> None:
    said = 0
    for name, site in town.sites.items():
        for other in DEVICES:
            if other != name:
                for topic in (*(up(channel, other) for channel in Up), *(down(channel, other) for channel in Down)):
                    site.say(topic, retain=topic.endswith("command"))
                    said += 1
        elsewhere = [f"v1/up/{(shard(name) + 1) % 64:02d}/{name}/event", "v1/up/00/nobody/event", "v1/down/nobody/command", f"v2/up/{name}"]
        own = (f"v1/up/{shard(name):02d}/{name}/event/more", *(down(channel, name) for channel in Down))
        for topic in (*elsewhere, *own, "$SYS/broker/uptime", "plain"):
            site.say(topic)
            said += 1
    heard = town.settle()
    late = town.site("central")
    assert late.connect()
    late.listen("v1/#", "#")
    heard += town.settle()
    late.close()
    assert foreign(heard) == [] and all(sender == "central" for _, _, sender in heard), "nothing was passed on, nor kept for later"
    pairs = len(DEVICES) * (len(DEVICES) - 1)
    print(f"{pairs} of {pairs} pairs: {said} messages refused")


def test_nobody_dies_in_anothers_name(town: Town) -> None:
    """A will goes out when the broker finds its client gone, long after it was asked whether it may be."""
    for name, other in zip(DEVICES[:3], DEVICES[10:13], strict=True):
        dying = town.site(name, will=up(Up.STATE, other))
        if dying.connect():
            dying.drop()
    own = town.site(DEVICES[0], will=up(Up.STATE, DEVICES[0]))
    assert own.connect()
    own.drop()
    heard: Counter[Got] = Counter()

    def died() -> bool:
        heard.update(town.book.take())
        return ("central", up(Up.STATE, DEVICES[0]), DEVICES[0]) in heard

    wait_until("its own will", died, 20)
    assert foreign(heard + town.settle()) == []
