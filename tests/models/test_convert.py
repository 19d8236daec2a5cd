from collections.abc import Callable

import numpy as np
import onnx
import pytest
from ai_edge_litert.interpreter import Interpreter

from models import convert_centerface, convert_mobilefacenet
from models.errors import ModelError
from models.session import open_session

Published = Callable[[str], bytes]


@pytest.fixture(scope="module")
def mobilefacenet(published: Published) -> bytes:
    return published("mobilefacenet")


@pytest.fixture(scope="module")
def centerface(published: Published) -> bytes:
    return published("centerface")


def litert(data: bytes, batch: np.ndarray) -> np.ndarray:
    network = Interpreter(model_content=data)
    (given,), (got,) = network.get_input_details(), network.get_output_details()
    network.resize_tensor_input(given["index"], [len(batch), 112, 112, 3])
    network.allocate_tensors()
    network.set_tensor(given["index"], batch)
    network.invoke()
    return np.array(network.get_tensor(got["index"]))


def test_mobilefacenet_equals_the_published_network(mobilefacenet: bytes) -> None:
    batch = np.random.default_rng(6).uniform(-1, 1, (2, 112, 112, 3)).astype(np.float32)
    (ours,) = open_session(convert_mobilefacenet.convert(mobilefacenet)).run(np.ascontiguousarray(batch.transpose(0, 3, 1, 2)))
    assert np.abs(ours - litert(mobilefacenet, batch)).max() < 1e-4


@pytest.mark.parametrize("count", [1, 3, 7])
def test_mobilefacenet_takes_any_batch(mobilefacenet: bytes, count: int) -> None:
    session = open_session(convert_mobilefacenet.convert(mobilefacenet))
    assert session.run(np.zeros((count, 3, 112, 112), np.float32))[0].shape == (count, 192)


def test_mobilefacenet_keeps_no_operation_that_leaves_the_fast_layout(mobilefacenet: bytes) -> None:
    graph = onnx.load_model_from_string(convert_mobilefacenet.convert(mobilefacenet)).graph
    assert {node.op_type for node in graph.node} == {"Conv", "Relu", "Add", "Flatten"}


@pytest.mark.parametrize(("height", "width", "count"), [(32, 32, 1), (480, 640, 1), (96, 160, 2)])
def test_centerface_takes_any_size(centerface: bytes, height: int, width: int, count: int) -> None:
    heat, scale, offset, landmarks = open_session(convert_centerface.convert(centerface)).run(
        np.zeros((count, 3, height, width), np.float32)
    )
    assert heat.shape == (count, 1, height // 4, width // 4)
    assert scale.shape == offset.shape == (count, 2, height // 4, width // 4)
    assert landmarks.shape == (count, 10, height // 4, width // 4)


def test_centerface_equals_the_published_network(centerface: bytes) -> None:
    batch = np.random.default_rng(7).uniform(0, 255, (10, 3, 32, 32)).astype(np.float32)
    published, ours = open_session(centerface), open_session(convert_centerface.convert(centerface))
    for expected, found in zip(published.run(batch), ours.run(batch), strict=True):
        assert np.allclose(expected, found, atol=1e-4)


def test_centerface_lists_no_weights_as_inputs(centerface: bytes) -> None:
    graph = onnx.load_model_from_string(convert_centerface.convert(centerface)).graph
    assert [value.name for value in graph.input] == ["input.1"]
    used = {name for node in graph.node for name in node.input}
    assert {tensor.name for tensor in graph.initializer} <= used


@pytest.mark.parametrize("convert", [convert_centerface.convert, convert_mobilefacenet.convert])
@pytest.mark.parametrize(
    "data", [b"", b"garbage", bytes(5000), b"\x1c\x00\x00\x00TFL3" + bytes(64)], ids=["empty", "garbage", "zeros", "header"]
)
def test_what_is_not_the_network_is_refused(convert: Callable[[bytes], bytes], data: bytes) -> None:
    with pytest.raises(ModelError):
        convert(data)


def test_one_network_is_not_taken_for_the_other(centerface: bytes, mobilefacenet: bytes) -> None:
    with pytest.raises(ModelError):
        convert_centerface.convert(convert_mobilefacenet.convert(mobilefacenet))
    with pytest.raises(ModelError):
        convert_mobilefacenet.convert(centerface)


def test_a_cut_network_is_refused(centerface: bytes, mobilefacenet: bytes) -> None:
    with pytest.raises(ModelError):
        convert_centerface.convert(centerface[: len(centerface) // 2])
    with pytest.raises(ModelError):
        convert_mobilefacenet.convert(mobilefacenet[: len(mobilefacenet) // 2])


def test_conversion_gives_the_same_bytes_each_time(centerface: bytes, mobilefacenet: bytes) -> None:
    assert convert_centerface.convert(centerface) == convert_centerface.convert(centerface)
    assert convert_mobilefacenet.convert(mobilefacenet) == convert_mobilefacenet.convert(mobilefacenet)
