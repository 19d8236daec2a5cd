"""Rewrite the published MobileFaceNet from TensorFlow Lite as ONNX. Set-up time only.

The file holds only CONV_2D, DEPTHWISE_CONV_2D, ADD, RESHAPE and a spelled-out PReLU: relu(x) + c (x - |x|), which is x above zero and 2 c
x below. Pictures become channels-first, weights OHWI become OIHW, depthwise 1HWC become C1HW; the batch size becomes free.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnx
import tflite
from numpy.typing import NDArray

from models.errors import ModelError

OPSET = 17
IR_VERSION = 8
IDENTIFIER = b"TFL3"
INPUT = ("batch", 3, 112, 112)
PRELU = ("RELU", "ABS", "SUB", "MUL", "ADD")
PADDING = {tflite.Padding.SAME: "SAME_UPPER", tflite.Padding.VALID: "VALID"}

_OPERATORS = {code: name for name, code in vars(tflite.BuiltinOperator).items() if isinstance(code, int)}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """One operation of the published network, its tensors as numbers."""

    name: str
    inputs: tuple[int, ...]
    output: int
    operator: tflite.Operator


def convert(data: bytes) -> bytes:
    """ONNX bytes that give the published network's vectors to 1e-4 for any batch size. Raises ModelError when `data` is not that
    network.
    """
    try:
        return _Conversion(_open(data)).result()
    except (struct.error, IndexError, KeyError, AttributeError) as error:
        raise ModelError(f"{len(data)} bytes that are not the MobileFaceNet this program knows ({error!r}); fetch it again") from error


def _open(data: bytes) -> tflite.Model:
    if data[4:8] != IDENTIFIER:
        raise ModelError(f"{len(data)} bytes that are no TensorFlow Lite network; fetch MobileFaceNet again")
    return tflite.Model.GetRootAsModel(data, 0)


class _Conversion:
    """One pass over the operations, in their order, collecting ONNX nodes and weights."""

    def __init__(self, model: tflite.Model) -> None:
        self._model = model
        self._source = model.Subgraphs(0)
        self._nodes: list[onnx.NodeProto] = []
        self._weights: list[onnx.TensorProto] = []

    def result(self) -> bytes:
        steps = [self._step(number) for number in range(self._source.OperatorsLength())]
        while steps:
            steps = steps[self._take(steps) :]
        network = onnx.helper.make_graph(self._nodes, "mobilefacenet", [self._input()], [self._output()], self._weights)
        model = onnx.helper.make_model(network, opset_imports=[onnx.helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
        onnx.checker.check_model(model, full_check=True)
        return bytes(model.SerializeToString(deterministic=True))

    def _take(self, steps: Sequence[_Step]) -> int:
        """Translate what stands first; returns how many operations that took."""
        if _is_prelu(steps):
            self._prelu(steps[3], source=_name(steps[0].inputs[0]), output=_name(steps[4].output))
            return len(PRELU)
        step = steps[0]
        match step.name:
            case "CONV_2D":
                self._convolution(step, tflite.Conv2DOptions(), group=1, order=(0, 3, 1, 2))
            case "DEPTHWISE_CONV_2D":
                self._convolution(step, tflite.DepthwiseConv2DOptions(), group=self._shape(step.output)[3], order=(3, 0, 1, 2))
            case "ADD":
                self._add("Add", [_name(number) for number in step.inputs], _name(step.output))
            case "RESHAPE":
                self._add("Flatten", [_name(step.inputs[0])], _name(step.output), axis=1)
            case _:
                raise ModelError(f"the network holds the operation {step.name}, which MobileFaceNet does not; fetch it again")
        return 1

    def _convolution(self, step: _Step, options: tflite.Conv2DOptions, *, group: int, order: tuple[int, ...]) -> None:
        table = step.operator.BuiltinOptions()
        options.Init(table.Bytes, table.Pos)
        if options.FusedActivationFunction() != tflite.ActivationFunctionType.NONE:
            raise ModelError("the network fuses an activation into a convolution, which MobileFaceNet does not; fetch it again")
        picture, kernel, bias = step.inputs
        weights = self._constant(kernel).transpose(order)
        self._add(
            "Conv",
            [_name(picture), self._weight(_name(kernel), weights), self._weight(_name(bias), self._constant(bias))],
            _name(step.output),
            group=group,
            kernel_shape=weights.shape[2:],
            strides=[options.StrideH(), options.StrideW()],
            auto_pad=PADDING[options.Padding()],
        )

    def _prelu(self, multiply: _Step, *, source: str, output: str) -> None:
        """Write it as slope x + (1 - slope) relu(x), each product a depthwise convolution of one pixel.

        onnxruntime keeps its fast channel-blocked layout through these; its own PRelu leaves it and doubles the time of a face.
        """
        (factor,) = (number for number in multiply.inputs if self._is_constant(number))
        slope = 2 * self._constant(factor)
        positive, straight, bent = (f"{output}.{part}" for part in ("positive", "straight", "bent"))
        self._add("Relu", [source], positive)
        self._scale(source, slope, straight)
        self._scale(positive, 1 - slope, bent)
        self._add("Add", [straight, bent], output)

    def _scale(self, source: str, factors: NDArray[np.float32], output: str) -> None:
        weights = self._weight(f"{output}.factors", factors.reshape(-1, 1, 1, 1))
        self._add("Conv", [source, weights], output, group=factors.size, kernel_shape=[1, 1])

    def _add(self, operator: str, inputs: list[str], output: str, **attributes: object) -> None:
        self._nodes.append(onnx.helper.make_node(operator, inputs, [output], **attributes))

    def _weight(self, name: str, values: NDArray[np.float32]) -> str:
        self._weights.append(onnx.numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def _step(self, number: int) -> _Step:
        operator = self._source.Operators(number)
        code = self._model.OperatorCodes(operator.OpcodeIndex())
        name = _OPERATORS[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
        inputs = tuple(int(operator.Inputs(place)) for place in range(operator.InputsLength()))
        return _Step(name=name, inputs=inputs, output=int(operator.Outputs(0)), operator=operator)

    def _shape(self, number: int) -> tuple[int, ...]:
        tensor = self._source.Tensors(number)
        return tuple(int(tensor.Shape(axis)) for axis in range(tensor.ShapeLength()))

    def _is_constant(self, number: int) -> bool:
        return bool(self._model.Buffers(self._source.Tensors(number).Buffer()).DataLength())

    def _constant(self, number: int) -> NDArray[np.float32]:
        raw = self._model.Buffers(self._source.Tensors(number).Buffer()).DataAsNumpy()
        values: NDArray[np.float32] = raw.view(np.float32).reshape(self._shape(number))
        return values

    def _input(self) -> onnx.ValueInfoProto:
        return onnx.helper.make_tensor_value_info(_name(self._source.Inputs(0)), onnx.TensorProto.FLOAT, INPUT)

    def _output(self) -> onnx.ValueInfoProto:
        number = self._source.Outputs(0)
        return onnx.helper.make_tensor_value_info(_name(number), onnx.TensorProto.FLOAT, ("batch", self._shape(number)[-1]))


def _is_prelu(steps: Sequence[_Step]) -> bool:
    """Whether the first five operations compute relu(x) + c (x - |x|) of one x, and not merely look like it."""
    if tuple(step.name for step in steps[: len(PRELU)]) != PRELU:
        return False
    relu, absolute, difference, product, total = steps[: len(PRELU)]
    return (
        relu.inputs == absolute.inputs
        and difference.inputs == (*relu.inputs, absolute.output)
        and difference.output in product.inputs
        and set(total.inputs) == {relu.output, product.output}
    )


def _name(number: int) -> str:
    return f"t{number}"
