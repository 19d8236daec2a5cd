"""The reader of torch files against files made here, sound and hostile, and against the published ones."""

import os
import pickle
import struct
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from models.errors import ModelError
from models.torch_file import MAGIC, PROTOCOL, read

HEAD = b"".join(
    pickle.dumps(part, 2) for part in (MAGIC, PROTOCOL, {"protocol_version": PROTOCOL, "little_endian": True, "type_sizes": {}})
)
EMPTY = b"ccollections\nOrderedDict\n)R"


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def number(value: int) -> bytes:
    return b"J" + struct.pack("<i", value)


def numbers(values: tuple[int, ...]) -> bytes:
    return b"(" + b"".join(number(value) for value in values) + b"t"


def tensor(key: str, count: int, shape: tuple[int, ...], strides: tuple[int, ...], kind: str = "FloatStorage", offset: int = 0) -> bytes:
    """The instructions that torch writes for one tensor."""
    storage = b"((" + text("storage") + f"ctorch\n{kind}\n".encode() + text(key) + text("cpu") + number(count) + b"NtQ"
    return b"ctorch._utils\n_rebuild_tensor_v2\n" + storage + number(offset) + numbers(shape) + numbers(strides) + b"\x89" + EMPTY + b"tR"


def torch_file(entries: dict[str, bytes], storages: dict[str, bytes], head: bytes = HEAD) -> bytes:
    named = b"\x80\x02" + EMPTY + b"(" + b"".join(text(name) + entry for name, entry in entries.items()) + b"u."
    body = b"".join(struct.pack("<q", len(content) // 4) + content for content in storages.values())
    return head + named + pickle.dumps(list(storages), 2) + body


def floats(*values: float) -> bytes:
    return np.array(values, "<f4").tobytes()


def sound() -> dict[str, bytes]:
    return {"layer.weight": tensor("7", 6, (2, 3), (3, 1))}


STORAGES = {"7": floats(1, 2, 3, 4, 5, 6)}


def test_a_sound_file() -> None:
    (name, values), *others = read(torch_file(sound(), STORAGES)).items()
    assert name == "layer.weight"
    assert not others
    assert values.dtype == np.float32
    assert values.tolist() == [[1, 2, 3], [4, 5, 6]]


def test_counters_are_left_out() -> None:
    body = torch_file(sound() | {"steps": tensor("8", 1, (), (), "LongStorage")}, STORAGES)[: -len(STORAGES["7"]) - 8]
    order = pickle.dumps(["7"], 2)
    data = body.removesuffix(order) + pickle.dumps(["7", "8"], 2) + struct.pack("<q", 6) + STORAGES["7"] + struct.pack("<qq", 1, 9)
    assert list(read(data)) == ["layer.weight"]


class Bomb:
    """Pickles itself as a call of `function`."""

    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self._call = (function, arguments)

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return self._call


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
@pytest.mark.parametrize("place", range(5))
def test_code_in_any_pickle_is_never_run(tmp_path: Path, protocol: int, place: int) -> None:
    target = tmp_path / "done"
    parts = [pickle.dumps(part, 2) for part in (MAGIC, PROTOCOL, {"little_endian": True}, OrderedDict(), [])]
    parts[place] = pickle.dumps(Bomb(os.mkdir, str(target)), protocol)
    with pytest.raises(ModelError):
        read(b"".join(parts))
    assert not target.exists()


@pytest.mark.parametrize(
    "body",
    [
        b"cbuiltins\neval\n(" + text("1+1") + b"tR.",
        b"ccollections\nOrderedDict\n(" + text("x") + b"tR.",
        b"ctorch\nFloatStorage\n)R.",
        b"ctorch.serialization\nload\n.",
        b"ccollections\nOrderedDict.fromkeys\n.",
        b"(ios\nsystem\n" + b".",
        b"(cos\nsystem\n" + text("true") + b"o.",
        b"]" + b"}b.",
        b"}" + b"}}b}bR.",
        text("pid") + b"Q.",
        b"(" + text("storage") + b"ctorch\nFloatStorage\n" + text("1") + text("cpu") + number(-1) + b"NtQ.",
        b"\x82\x01.",
        b"h\x05.",
        b"t.",
        b"0.",
        b".",
        b"",
    ],
)
def test_anything_else_in_a_pickle_is_refused(body: bytes) -> None:
    with pytest.raises(ModelError):
        read(HEAD + b"\x80\x02" + body + pickle.dumps([], 2))


@pytest.mark.parametrize(
    ("entries", "storages"),
    [
        ({"a": tensor("7", 6, (3, 3), (3, 1))}, STORAGES),
        ({"a": tensor("7", 6, (2, 3), (1, 2))}, STORAGES),
        ({"a": tensor("7", 6, (2, 2), (2, 1), offset=2)}, STORAGES),
        ({"a": tensor("7", 6, (2**30, 2**30, 2**30), (2**30, 2**30, 1))}, STORAGES),
        ({"a": tensor("7", 2**31 - 1, (2**31 - 1,), (1,))}, STORAGES),
        ({"a": tensor("7", 5, (5,), (1,))}, STORAGES),
        ({"a": tensor("7", 6, (6,), (1,), kind="HalfStorage")}, STORAGES),
        ({"a": tensor("7", 6, (6,), (1,))}, {}),
        ({"a": tensor("7", 6, (6,), (1,))}, {"8": STORAGES["7"]}),
        ({"a": tensor("7", 6, (6,), (1,))}, {"7": floats(1, 2, 3, 4, 5, float("nan"))}),
        ({"a": tensor("7", 6, (6,), (1,))}, {"7": floats(1, 2, 3, 4, 5, float("inf"))}),
        ({"a": number(4)}, {}),
    ],
    ids=["large", "steps", "offset", "huge", "announced", "short", "half", "none", "other", "nan", "inf", "no tensor"],
)
def test_tensors_that_do_not_fit_are_refused(entries: dict[str, bytes], storages: dict[str, bytes]) -> None:
    with pytest.raises(ModelError):
        read(torch_file(entries, storages))


def test_every_cut_is_found() -> None:
    data = torch_file(sound(), STORAGES)
    for length in range(len(data)):
        with pytest.raises(ModelError):
            read(data[:length])


def test_what_follows_the_last_number_is_refused() -> None:
    with pytest.raises(ModelError, match="goes on"):
        read(torch_file(sound(), STORAGES) + b"\0")


def test_any_changed_byte_gives_weights_or_a_refusal_and_nothing_else() -> None:
    data = torch_file(sound(), STORAGES)
    random = np.random.default_rng(3)
    refused = 0
    for _ in range(3000):
        damaged = bytearray(data)
        damaged[random.integers(len(data))] = random.integers(256)
        try:
            read(bytes(damaged))
        except ModelError:
            refused += 1
    assert 0 < refused < 3000  # changed structure is refused, changed numbers are other weights


def test_the_published_files(liveness_published: dict[str, bytes]) -> None:
    for data in liveness_published.values():
        tensors = read(data)
        assert tensors["module.prob.weight"].shape == (3, 128)
        assert tensors["module.conv_6_dw.conv.weight"].shape == (512, 1, 5, 5)
        assert sum(values.size for values in tensors.values()) > 400_000
