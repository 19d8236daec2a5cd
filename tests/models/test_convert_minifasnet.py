from collections.abc import Callable

import numpy as np
import onnx
import pytest

from models import convert_minifasnet
from models.convert_minifasnet import convert
from models.errors import ModelError
from models.session import open_session
from models.torch_file import Tensors, read

# Three probabilities of the published networks on `picture()`, calculated once with torch 2.13.
TORCH = {"minifasnet-v2": (0.0, 0.00093503, 0.99906498), "minifasnet-v1se": (1.72e-06, 0.99705219, 0.00294608)}
NAMES = tuple(TORCH)


def picture() -> np.ndarray:
    """A smooth pattern without randomness, float32 (1, 3, 80, 80)."""
    row, column = np.mgrid[:80, :80] / 80
    waves = [np.sin(6 * row + channel) * np.cos(9 * column - channel) for channel in range(3)]
    return np.ascontiguousarray(127.5 + 100 * np.stack(waves)[None], np.float32)


@pytest.mark.parametrize("name", NAMES)
def test_it_equals_the_published_network(liveness_published: dict[str, bytes], name: str) -> None:
    (found,) = open_session(convert(liveness_published[name])).run(picture())
    assert np.abs(found - TORCH[name]).max() < 1e-5


@pytest.mark.parametrize("name", NAMES)
def test_any_batch_gives_what_each_gives_alone(liveness_published: dict[str, bytes], name: str) -> None:
    session = open_session(convert(liveness_published[name]))
    batch = np.random.default_rng(2).uniform(0, 255, (5, 3, 80, 80)).astype(np.float32)
    (together,) = session.run(batch)
    alone = np.concatenate([session.run(batch[place : place + 1])[0] for place in range(5)])
    assert together.shape == (5, 3)
    assert np.abs(together - alone).max() < 1e-5
    assert np.allclose(together.sum(axis=1), 1)


@pytest.mark.parametrize("name", NAMES)
def test_it_keeps_no_operation_that_leaves_the_fast_layout(liveness_published: dict[str, bytes], name: str) -> None:
    graph = onnx.load_model_from_string(convert(liveness_published[name])).graph
    squeeze = {"GlobalAveragePool", "Sigmoid", "Mul"} if name == "minifasnet-v1se" else set()
    assert {node.op_type for node in graph.node} == {"Conv", "Relu", "Add", "Flatten", "Gemm", "Softmax"} | squeeze


def test_conversion_gives_the_same_bytes_each_time(liveness_published: dict[str, bytes]) -> None:
    for data in liveness_published.values():
        assert convert(data) == convert(data)


@pytest.mark.parametrize("data", [b"", b"garbage", bytes(5000), b"PK\x03\x04" + bytes(64)], ids=["empty", "garbage", "zeros", "zip"])
def test_what_is_no_torch_file_is_refused(data: bytes) -> None:
    with pytest.raises(ModelError):
        convert(data)


def _without_a_layer(tensors: Tensors) -> Tensors:
    return {name: values for name, values in tensors.items() if name != "module.conv_34.project.conv.weight"}


def _with_another_layer(tensors: Tensors) -> Tensors:
    return {**tensors, "module.conv_7.weight": np.ones(3, np.float32)}


def _of_another_size(tensors: Tensors) -> Tensors:
    return {**tensors, "module.prob.weight": np.ones((3, 64), np.float32)}


def _of_four_classes(tensors: Tensors) -> Tensors:
    return {**tensors, "module.prob.weight": np.ones((4, 128), np.float32)}


def _of_negative_variance(tensors: Tensors) -> Tensors:
    return {**tensors, "module.bn.running_var": np.full(128, -1, np.float32)}


@pytest.mark.parametrize("change", [_without_a_layer, _with_another_layer, _of_another_size, _of_four_classes, _of_negative_variance])
def test_another_network_is_refused(
    liveness_published: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, change: Callable[[Tensors], Tensors]
) -> None:
    monkeypatch.setattr(convert_minifasnet, "read", lambda data: change(read(data)))
    with pytest.raises(ModelError):
        convert(liveness_published["minifasnet-v2"])
