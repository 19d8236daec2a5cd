"""Both brokers with the very files that we generate: who gets in, and who may write and read where."""

import shutil
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from central.broker import files as broker_files
from central.broker.clients import Clients
from central.broker.process import BrokerProcess, EmbeddedBroker, Mosquitto, find_server
from central.certificates import Pair, issue_client, key_pem, mail_in, make_authority, new_key
from central.errors import Misconfigured
from central.keys import CentreKeys, make_keys, read_keys
from contract.topics import Down, Up, down, ingest_filters, up
from scripts.stack import free_port, wait_until
from tests import builders

DEVICES = ["P99999900001-t1", "P99999900001-t2"]
MOSQUITTO = shutil.which("mosquitto", path="/usr/sbin:/usr/bin")


def made_pair(authority: Pair, name: str) -> Pair:
    key = new_key()
    return Pair(certificate=issue_client(authority, key.public_key(), name=name, now=builders.AT), key=key_pem(key))


class Broker:
    """A private broker with the centre's keys."""

    def __init__(self, folder: Path, keys: CentreKeys, port: int) -> None:
        self.folder, self.keys, self.port = folder, keys, port
        self.pairs = {name: made_pair(keys.authority(), name) for name in ("central", *DEVICES)}

    @property
    def clients(self) -> Clients:
        return Clients(devices={name: (str(mail_in(self.pairs[name].certificate.decode())),) for name in DEVICES})

    def client(self, name: str, authority: Pair | None = None) -> "Client":
        pair = self.pairs[name] if authority is None else made_pair(authority, name)
        files = self.folder / f"{name}-{id(pair)}.crt", self.folder / f"{name}-{id(pair)}.key"
        files[0].write_bytes(pair.certificate)
        files[1].write_bytes(pair.key)
        context = ssl.create_default_context(cafile=str(self.keys.tls("ca")[0]))
        context.load_cert_chain(*files)
        return Client(self.port, name, context)


class Client:
    """One MQTT connection that remembers what it received."""

    def __init__(self, port: int, name: str, context: ssl.SSLContext) -> None:
        self.got: list[tuple[str, bytes]] = []
        self.mqtt = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=f"{name}-{id(self)}", protocol=mqtt.MQTTv311)
        self.mqtt.tls_set_context(context)
        self.mqtt.on_message = lambda _client, _data, message: self.got.append((message.topic, bytes(message.payload)))
        self._port = port

    def connect(self) -> bool:
        try:
            self.mqtt.connect("127.0.0.1", self._port, 30)
        except OSError:
            return False
        self.mqtt.loop_start()
        deadline = time.monotonic() + 3
        while not self.mqtt.is_connected() and time.monotonic() < deadline:
            time.sleep(0.02)
        return self.mqtt.is_connected()

    def subscribe(self, topic: str) -> None:
        self.mqtt.subscribe(topic, 1)
        time.sleep(0.3)

    def close(self) -> None:
        self.mqtt.disconnect()
        self.mqtt.loop_stop()


@pytest.fixture(scope="module", params=["embedded", "mosquitto"])
def broker(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    folder, port = tmp_path_factory.mktemp("broker"), free_port()
    keys = make_keys(folder / "keys", broker_hosts=("127.0.0.1", "localhost"), now=builders.AT)
    made = Broker(folder, keys, port)
    written, changed = broker_files.write(folder / "broker", keys, host="127.0.0.1", port=port, clients=made.clients)
    assert changed
    running: BrokerProcess
    if request.param == "embedded":
        running = EmbeddedBroker(configuration=written.nats, port=port, log=folder / "log")
    elif MOSQUITTO is None:
        pytest.skip("mosquitto is not installed: apt-get install mosquitto")
    else:
        running = Mosquitto(configuration=written.mosquitto, port=port, log=folder / "log")
    with running:
        yield made


def test_a_stranger_does_not_get_in(broker: Broker) -> None:
    assert not broker.client(DEVICES[0], authority=make_authority(now=builders.AT)).connect()
    nameless = ssl.create_default_context(cafile=str(broker.keys.tls("ca")[0]))
    assert not Client(broker.port, "nobody", nameless).connect()


def test_devices_reach_the_centre_and_nobody_else(broker: Broker) -> None:
    centre, first, second = broker.client("central"), broker.client(DEVICES[0]), broker.client(DEVICES[1])
    assert centre.connect() and first.connect() and second.connect()
    centre.subscribe(ingest_filters()[0])
    second.subscribe("#")
    second.subscribe(down(Down.COMMAND, DEVICES[0]))
    second.subscribe(up(Up.EVENT, DEVICES[0]))
    first.subscribe(down(Down.COMMAND, DEVICES[0]))
    first.mqtt.publish(up(Up.EVENT, DEVICES[0]), b"mine", qos=1)
    centre.mqtt.publish(down(Down.COMMAND, DEVICES[0]), b"for the first", qos=1)
    wait_until("both messages", lambda: bool(centre.got and first.got), 5)
    second.mqtt.publish(up(Up.EVENT, DEVICES[0]), b"forged", qos=1)
    time.sleep(0.5)
    assert centre.got == [(up(Up.EVENT, DEVICES[0]), b"mine")]
    assert first.got == [(down(Down.COMMAND, DEVICES[0]), b"for the first")]
    assert second.got == []
    for client in (centre, first, second):
        client.close()


def test_the_centres_client_id_cannot_be_guessed(tmp_path: Path) -> None:
    first, second = (make_keys(tmp_path / name, broker_hosts=("localhost",), now=builders.AT) for name in ("one", "two"))
    names = {first.private_name("central"), first.private_name("central-2"), second.private_name("central")}
    assert len(names) == 3 and first.private_name("central") in names
    assert read_keys(tmp_path / "one").private_name("central") == first.private_name("central")


def test_a_device_is_named_in_both_files_until_it_is_revoked(tmp_path: Path) -> None:
    keys = make_keys(tmp_path / "keys", broker_hosts=("localhost",), now=builders.AT)
    for devices in (DEVICES, DEVICES[:1]):
        written, _ = broker_files.write(tmp_path, keys, host="127.0.0.1", port=1, clients=Clients.named(devices))
        for path in (written.nats, written.access_list):
            assert (DEVICES[1] in path.read_text()) is (len(devices) == 2)


def test_the_files_are_new_only_when_devices_change(tmp_path: Path) -> None:
    keys = make_keys(tmp_path / "keys", broker_hosts=("localhost",), now=builders.AT)

    def changed(devices: list[str]) -> bool:
        return broker_files.write(tmp_path, keys, host="127.0.0.1", port=1, clients=Clients.named(devices))[1]

    assert [changed(DEVICES), changed(DEVICES), changed(DEVICES[:1])] == [True, False, True]


def test_an_embedded_broker_that_cannot_start_says_why(tmp_path: Path) -> None:
    configuration = tmp_path / "nats.conf"
    configuration.write_text("surprise {")
    with pytest.raises(Misconfigured, match="did not come up"):
        EmbeddedBroker(configuration=configuration, port=free_port(), log=tmp_path / "log").start()


def test_a_missing_server_program_is_named(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="no nats-server program"):
        find_server(tmp_path / "nats-server")
