"""Make a clean network of the published CenterFace file. Set-up time only."""

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

from models.errors import ModelError

INPUT = ("batch", 3, "height", "width")
OUTPUTS = {"heat": 1, "scale": 2, "offset": 2, "landmarks": 10}  # name and channels, in the published order


def convert(data: bytes) -> bytes:
    """ONNX bytes with any batch, height and width (multiples of 32).

    The published file fixes them at 10, 32 and 32 and lists its weights as inputs too. The weights themselves are not touched. Raises
    ModelError when `data` is not that network.
    """
    try:
        model = onnx.load_model_from_string(data)
    except DecodeError as error:
        raise ModelError(f"{len(data)} bytes that are no ONNX network; fetch CenterFace again") from error
    graph = model.graph
    used = {name for node in graph.node for name in node.input}
    weights = {tensor.name: tensor for tensor in graph.initializer}
    images = [value for value in graph.input if value.name not in weights]
    if len(images) != 1 or len(graph.output) != len(OUTPUTS):
        raise ModelError(f"CenterFace has 1 input and {len(OUTPUTS)} outputs, this network {len(images)} and {len(graph.output)}")
    _replace(graph.initializer, [tensor for name, tensor in weights.items() if name in used])
    _replace(graph.input, [onnx.helper.make_tensor_value_info(images[0].name, onnx.TensorProto.FLOAT, INPUT)])
    outputs = zip(graph.output, OUTPUTS.values(), strict=True)
    _replace(graph.output, [_output(value.name, channels) for value, channels in outputs])
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))


def _output(name: str, channels: int) -> onnx.ValueInfoProto:
    return onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ("batch", channels, "height_4", "width_4"))


def _replace(field, values) -> None:  # type: ignore[no-untyped-def]  # protobuf's repeated fields have no public type
    del field[:]
    field.extend(values)
