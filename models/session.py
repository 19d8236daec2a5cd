"""The only place that knows onnxruntime: open a network, run it, say what runs it."""

from pathlib import Path

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as runtime

from models.errors import ModelError

RUNTIME_VERSION: str = onnxruntime.__version__
PROVIDERS = ("CPUExecutionProvider",)

_REFUSALS = (
    runtime.EPFail,
    runtime.Fail,
    runtime.InvalidArgument,
    runtime.InvalidGraph,
    runtime.InvalidProtobuf,
    runtime.NoSuchFile,
    runtime.NotImplemented,
    runtime.RuntimeException,
)
_ERRORS_ONLY = 3


class Session:
    """One loaded network with one input. Safe to share between threads."""

    def __init__(self, inner: onnxruntime.InferenceSession) -> None:
        self._inner = inner
        self._input: str = inner.get_inputs()[0].name

    @property
    def output_shapes(self) -> tuple[tuple[int | str, ...], ...]:
        """Shape of every output; a free dimension is a name."""
        return tuple(tuple(output.shape) for output in self._inner.get_outputs())

    def run(self, batch: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        """All outputs for `batch`. Raises ModelError when the network refuses its shape or type."""
        try:
            return tuple(self._inner.run(None, {self._input: batch}))
        except _REFUSALS as error:
            raise ModelError(f"the network refused an input of shape {batch.shape}, {batch.dtype}: {error}") from error


def open_session(model: Path | bytes, threads: int = 1) -> Session:
    """Load an ONNX file, or its bytes already verified, on the CPU.

    Threads never spin while idle: several spinning pools on one machine slow each other down. Raises ModelError if it is no network.
    """
    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _ERRORS_ONLY
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    content = model.read_bytes() if isinstance(model, Path) else model
    try:
        return Session(onnxruntime.InferenceSession(content, options, providers=list(PROVIDERS)))
    except _REFUSALS as error:
        name = model if isinstance(model, Path) else f"{len(content)} bytes"
        raise ModelError(f"{name} is not a network that onnxruntime {RUNTIME_VERSION} can load: {error}") from error


def limit_opencv_threads(threads: int = 1) -> None:
    """Keep OpenCV from taking every core for small pictures. Process-wide: for a program's composition root, once, at start."""
    cv2.setNumThreads(threads)
