"""Messages are closed: what does not fit is refused, and the fault names the field but never the value."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from contract.events import GENESIS, CameraRole, Coverage, Headcount, Watched, parse_event
from contract.media import PART_BYTES, join_wire, media_id, part_count, part_headers, read_part, split_wire
from contract.message import MalformedMessage
from contract.receipts import Receipt
from contract.topics import SHARDS, Down, Up, down, ingest_filters, parse_up, shard, up
from tests.builders import capture, receipt

NOON = datetime(2026, 1, 2, 4, tzinfo=UTC)


def test_an_event_is_read_by_its_kind() -> None:
    assert parse_event(capture().to_bytes()) == capture()


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "unheard"},
        {"version": 2},
        {"surprise": 1},
        {"psn_no": "a b"},
        {"msgid": "x" * 31},
        {"device": "a/b"},
        {"seq": 0},
        {"at": "2026-01-01T00:00:00"},
        {"similarity": 1e999},
        {"outcome": "guilty"},
        {"reasons": ["<script>"]},
        {"at": "0001-01-01T00:00:00+08:00"},
        {"opened_at": "9999-12-31T23:59:59Z"},
        {"epoch": 2**63},
        {"seq": 2**31},
        {"mono_ns": 2**63},
        {"frames": {"seen": 2**31, "with_subject": 0, "used": 0}},
        {"software": {"agent": "a\x00b", "detector": "d", "embedder": "e", "limits_sha256": "a" * 64, "settings_sha256": "b" * 64}},
    ],
    ids=str,
)
def test_what_does_not_fit_is_refused_without_showing_values(change: dict[str, object]) -> None:
    content = json.loads(capture(psn_no="SECRET-PERSON").to_bytes()) | change
    with pytest.raises(MalformedMessage) as fault:
        parse_event(json.dumps(content).encode())
    assert "SECRET-PERSON" not in str(fault.value)


def test_an_hour_without_a_count_is_written_as_before_and_one_with_it_is_read_back() -> None:
    plain = Watched(window="W1", since=NOON, until=NOON, seen_s=1, blind=())
    assert "people" not in json.loads(plain.model_dump_json())
    people = Headcount(role=CameraRole.ENTRANCE, entered=3, stayed=1, most_at_once=2)
    stamp = {"device": "P99999900001-t1", "epoch": 1, "seq": 1, "prev": GENESIS, "at": NOON, "mono_ns": 1, "clock_offset_ms": None}
    told = Coverage.model_validate(stamp | {"hours": [plain, plain.model_copy(update={"people": people})]})
    assert parse_event(told.to_bytes()) == told
    assert b'"people":{"role":"entrance","entered":3,"stayed":1,"most_at_once":2}' in told.to_bytes()


@pytest.mark.parametrize("change", [{"role": "corridor"}, {"entered": -1}, {"faces": 1}], ids=str)
def test_a_count_that_is_none_is_refused(change: dict[str, object]) -> None:
    content = {"role": "window", "entered": 1, "stayed": 1, "most_at_once": 1} | change
    with pytest.raises(ValidationError):
        Headcount.model_validate(content)


@given(st.binary(max_size=200))
def test_rubbish_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedMessage):
        parse_event(data)


@pytest.mark.parametrize("gaps", [((3, 4),), ((6, 5),), ((7, 8), (8, 9)), ((0, 1),)])
def test_gaps_lie_above_the_head_in_rising_order(gaps: tuple[tuple[int, int], ...]) -> None:
    with pytest.raises(ValidationError):
        Receipt(**{**receipt().model_dump(), "up_to": 4, "gaps": gaps})


@given(st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9-]{2,47}\Z"), st.sampled_from(list(Up)))
def test_a_topic_is_read_back(device: str, channel: Up) -> None:
    topic = up(channel, device)
    assert (parse_up(topic).device, parse_up(topic).channel) == (device, channel)
    assert 0 <= shard(device) < SHARDS
    assert "." not in topic and topic.count("/") == 4


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "v1/up/00/a/event",
        "v1/up/xx/P99999900001-t1/event",
        "v1/up/00/P99999900001-t1/event/x",
        "v1/up/00/+/event",
        down(Down.RECEIPT, "abc"),
    ],
)
def test_other_topics_are_refused(topic: str) -> None:
    if topic == up(Up.EVENT, "P99999900001-t1"):
        pytest.skip("this device happens to live in that shard")
    with pytest.raises(ValueError, match="topic"):
        parse_up(topic)


def test_filters_of_workers_cover_each_shard_once() -> None:
    assert ingest_filters() == ("v1/up/+/+/+",)
    assert ingest_filters([1, 1, 2]) == ("v1/up/01/+/+", "v1/up/02/+/+")
    with pytest.raises(ValueError, match="shard 64"):
        ingest_filters([64])


@pytest.mark.parametrize("size", [1, PART_BYTES - 1, PART_BYTES, PART_BYTES + 1, 3 * PART_BYTES])
def test_parts_join_to_the_whole(size: int) -> None:
    sealed = bytes(index % 251 for index in range(size))
    parts = list(part_headers("P99999900001-t1", sealed))
    assert len(parts) == part_count(size)
    assert b"".join(body for _, body in parts) == sealed
    assert {header.media_id for header, _ in parts} == {media_id(sealed)}


def test_a_part_is_checked_against_its_header() -> None:
    header, body = next(part_headers("P99999900001-t1", b"sealed bytes"))
    wire = split_wire(join_wire(header.to_bytes(), body))
    assert read_part(wire, lambda signed: signed) == header
    with pytest.raises(MalformedMessage, match="not those"):
        read_part(split_wire(join_wire(header.to_bytes(), b"other bytes!")), lambda signed: signed)


@given(st.binary(max_size=64))
def test_rubbish_has_no_parts(data: bytes) -> None:
    if len(data) > 4 and 0 < int.from_bytes(data[:4], "big") < len(data) - 4:
        return
    with pytest.raises(MalformedMessage):
        split_wire(data)
