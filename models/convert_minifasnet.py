"""Rewrite a published MiniFASNet, a torch file of weights only, as ONNX. Set-up time only.

The file names layers but does not say how they hang together; that is written down here: a stem, three groups of blocks with a step to half
the size before each, a head. A block widens, looks at neighbours channel by channel, and narrows again; within a group its input is added
to its output, after squeeze-and-excitation where the file holds weights for it. Batch normalisation is folded into the convolutions.
"""

from collections.abc import Iterator

import numpy as np
import onnx
from numpy.typing import NDArray

from models.errors import ModelError
from models.torch_file import Tensors, read

OPSET = 17
IR_VERSION = 8
SIDE = 80
CLASSES = 3
INPUT = ("batch", 3, SIDE, SIDE)
GROUPS = {"conv_23": "conv_3", "conv_34": "conv_4", "conv_45": "conv_5"}  # the step to half the size, and the blocks that follow it
PREFIX = "module."
EPSILON = 1e-5  # of the batch normalisation, as trained

Weights = NDArray[np.float32]


def convert(data: bytes) -> bytes:
    """ONNX bytes that give the published network's three probabilities to 1e-5 for any batch of float32 (N, 3, 80, 80), BGR 0 to 255.

    Raises ModelError when `data` is not such a network.
    """
    tensors = {name.removeprefix(PREFIX): values for name, values in read(data).items()}
    try:
        return _Conversion(tensors).result()
    except (KeyError, ValueError, IndexError, onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ModelError(f"{len(data)} bytes that are not the MiniFASNet this program knows ({error!r}); fetch it again") from error


class _Conversion:
    """One pass from input to output, collecting ONNX nodes and weights. A tensor taken is gone: none may be left over."""

    def __init__(self, tensors: Tensors) -> None:
        self._tensors = dict(tensors)
        self._nodes: list[onnx.NodeProto] = []
        self._weights: list[onnx.TensorProto] = []

    def result(self) -> bytes:
        """The checked ONNX file. Raises ModelError when a tensor is left over or missing."""
        output = self._head(self._body(self._stem("picture")))
        if self._tensors:
            raise ModelError(f"the network holds {next(iter(self._tensors))}, which MiniFASNet does not; fetch it again")
        network = onnx.helper.make_graph(
            self._nodes, "minifasnet", [_value("picture", INPUT)], [_value(output, ("batch", CLASSES))], self._weights
        )
        model = onnx.helper.make_model(network, opset_imports=[onnx.helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
        onnx.checker.check_model(model, full_check=True)
        return bytes(model.SerializeToString(deterministic=True))

    def _stem(self, source: str) -> str:
        return self._layer("conv2_dw", self._layer("conv1", source, stride=2, pad=1), pad=1)

    def _body(self, source: str) -> str:
        for step, group in GROUPS.items():
            source = self._block(step, source, stride=2)
            for block in self._blocks(group):
                source = self._add("Add", [source, self._squeezed(block, self._block(block, source))], f"{block}.sum")
        return source

    def _head(self, source: str) -> str:
        flat = self._add("Flatten", [self._layer("conv_6_dw", self._layer("conv_6_sep", source))], "flat", axis=1)
        factor, shift = self._normalisation("bn")
        linear = self._take("linear.weight") * factor[:, None]
        embedded = self._add("Gemm", [flat, self._weight("linear", linear), self._weight("linear.shift", shift)], "embedded", transB=1)
        scores = self._add("Gemm", [embedded, self._weight("prob", self._take("prob.weight"))], "scores", transB=1)
        return self._add("Softmax", [scores], "probabilities", axis=1)

    def _blocks(self, group: str) -> Iterator[str]:
        number = 0
        while f"{group}.model.{number}.conv.conv.weight" in self._tensors:
            yield f"{group}.model.{number}"
            number += 1

    def _block(self, name: str, source: str, stride: int = 1) -> str:
        wide = self._layer(f"{name}.conv", source)
        return self._layer(f"{name}.project", self._layer(f"{name}.conv_dw", wide, stride=stride, pad=1))

    def _squeezed(self, block: str, source: str) -> str:
        """Each channel weighed by what its mean says, if this block does that."""
        name = f"{block}.se_module"
        if f"{name}.fc1.weight" not in self._tensors:
            return source
        mean = self._add("GlobalAveragePool", [source], f"{name}.mean")
        few = self._add("Relu", [self._convolution(f"{name}.fc1", f"{name}.bn1", mean)], f"{name}.few")
        factors = self._add("Sigmoid", [self._convolution(f"{name}.fc2", f"{name}.bn2", few)], f"{name}.factors")
        return self._add("Mul", [source, factors], f"{name}.weighed")

    def _layer(self, name: str, source: str, stride: int = 1, pad: int = 0) -> str:
        """Convolution, normalisation and, where the file holds slopes for it, PReLU."""
        output = self._convolution(f"{name}.conv", f"{name}.bn", source, stride=stride, pad=pad)
        if f"{name}.prelu.weight" not in self._tensors:
            return output
        return self._prelu(f"{name}.prelu", output)

    def _prelu(self, name: str, source: str) -> str:
        """Write it as slope x + (1 - slope) relu(x), each product a depthwise convolution of one pixel.

        onnxruntime keeps its fast channel-blocked layout through these; its own PRelu leaves it.
        """
        slopes = self._take(f"{name}.weight").reshape(-1, 1, 1, 1)
        straight = self._scale(f"{name}.straight", source, slopes)
        bent = self._scale(f"{name}.bent", self._add("Relu", [source], f"{name}.positive"), 1 - slopes)
        return self._add("Add", [straight, bent], name)

    def _scale(self, name: str, source: str, factors: Weights) -> str:
        weights = self._weight(f"{name}.factors", factors)
        return self._add("Conv", [source, weights], name, group=len(factors), kernel_shape=[1, 1])

    def _convolution(self, name: str, normalisation: str, source: str, stride: int = 1, pad: int = 0) -> str:
        factor, shift = self._normalisation(normalisation)
        kernel = self._take(f"{name}.weight") * factor[:, None, None, None]
        return self._add(
            "Conv",
            [source, self._weight(f"{name}.kernel", kernel), self._weight(f"{name}.shift", shift)],
            name,
            group=len(kernel) if kernel.shape[1] == 1 else 1,
            kernel_shape=kernel.shape[2:],
            strides=[stride, stride],
            pads=[pad] * 4,
        )

    def _normalisation(self, name: str) -> tuple[Weights, Weights]:
        """Factor and shift for each channel."""
        weight, bias, mean, variance = (self._take(f"{name}.{part}") for part in ("weight", "bias", "running_mean", "running_var"))
        if (variance < 0).any():
            raise ModelError(f"the network holds a negative variance in {name}; fetch it again")
        factor = weight / np.sqrt(variance + np.float32(EPSILON))
        return factor, bias - mean * factor

    def _take(self, name: str) -> Weights:
        return self._tensors.pop(name)

    def _add(self, operator: str, inputs: list[str], output: str, **attributes: object) -> str:
        self._nodes.append(onnx.helper.make_node(operator, inputs, [output], **attributes))
        return output

    def _weight(self, name: str, values: Weights) -> str:
        self._weights.append(onnx.numpy_helper.from_array(np.ascontiguousarray(values, np.float32), name))
        return name


def _value(name: str, shape: tuple[int | str, ...]) -> onnx.ValueInfoProto:
    return onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
