"""Read the weights out of an old-style torch file without torch, and without pickle: nothing in the file is ever executed.

Such a file is five pickles (a magic number, a protocol version, facts on the machine, named tensors, the order of their storages) and then
the numbers. A pickle is a program; here a small machine runs the few instructions that such a file needs and refuses every other one, every
name but four, and every call but that of an empty mapping and of a tensor.
"""

import math
import pickletools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.errors import ModelError

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001
MAX_NUMBERS = 4_000_000  # all storages together; the networks read here have under half a million
MAX_INSTRUCTIONS = 100_000

ORDERED_DICT = "collections OrderedDict"
TENSOR = "torch._utils _rebuild_tensor_v2"
STORAGES: Mapping[str, np.dtype[Any]] = {"torch FloatStorage": np.dtype("<f4"), "torch LongStorage": np.dtype("<i8")}

Tensors = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class _Name:
    """A global of the file. It stands for itself only: nothing is imported."""

    text: str


@dataclass(frozen=True, slots=True)
class _Storage:
    """Numbers that follow later in the file."""

    key: str
    dtype: np.dtype[Any]
    count: int


@dataclass(frozen=True, slots=True)
class _Tensor:
    """A view into a storage, in numbers from its start."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class _Mark:
    """Where a variable number of operands begins on the stack."""


def read(data: bytes) -> Tensors:
    """The named float32 tensors of the file, in its order; those of whole numbers (counters of training) are left out.

    Raises ModelError when the file is not of this form, is cut, or holds anything else, whatever it may be.
    """
    try:
        return _read(BytesIO(data))
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError) as error:
        raise ModelError(f"{len(data)} bytes that are no file of torch weights ({error!r}); fetch them again") from error


def _read(stream: BytesIO) -> Tensors:
    if _run(stream) != MAGIC or _run(stream) != PROTOCOL:
        raise ModelError("this is no old-style torch file; fetch it again")
    if _run(stream).get("little_endian") is not True:
        raise ModelError("the torch file was written on a big-endian machine; fetch it again")
    named, order = _run(stream), _run(stream)
    tensors = {_is(name, str): _is(tensor, _Tensor) for name, tensor in _is(named, dict).items()}
    storages = {tensor.storage.key: tensor.storage for tensor in tensors.values()}
    if sum(storage.count for storage in storages.values()) > MAX_NUMBERS:
        raise ModelError(f"the torch file announces more than {MAX_NUMBERS} numbers; it is not one of the networks known here")
    if len(order) != len(storages):
        raise ModelError(f"the torch file names {len(order)} storages and uses {len(storages)}; fetch it again")
    numbers = {key: _numbers(stream, storages[key]) for key in order}
    if stream.read(1):
        raise ModelError("the torch file goes on after its last number; fetch it again")
    return {name: _view(tensor, numbers[tensor.storage.key]) for name, tensor in tensors.items() if tensor.storage.dtype.kind == "f"}


def _numbers(stream: BytesIO, storage: _Storage) -> NDArray[Any]:
    """One storage: its count as int64, then its numbers."""
    if int.from_bytes(stream.read(8), "little") != storage.count:
        raise ModelError(f"the storage {storage.key} is not announced as it is used, or the torch file is cut; fetch it again")
    return np.frombuffer(stream.read(storage.count * storage.dtype.itemsize), storage.dtype, storage.count)


def _view(tensor: _Tensor, numbers: NDArray[Any]) -> NDArray[np.float32]:
    dense = tuple(math.prod(tensor.shape[axis + 1 :]) for axis in range(len(tensor.shape)))
    if tensor.strides != dense or tensor.offset != 0 or numbers.size != math.prod(tensor.shape):
        raise ModelError(f"a tensor of shape {tensor.shape} does not fill its storage of {numbers.size} numbers; fetch the file again")
    values: NDArray[np.float32] = numbers.reshape(tensor.shape).astype(np.float32)
    if not np.isfinite(values).all():
        raise ModelError("the torch file holds weights that are not finite; fetch it again")
    return values


def _run(stream: BytesIO) -> Any:
    """The value of the next pickle in `stream`."""
    machine = _Machine()
    for count, (instruction, argument, _) in enumerate(pickletools.genops(stream)):
        if count >= MAX_INSTRUCTIONS:
            raise ModelError(f"the torch file has more than {MAX_INSTRUCTIONS} instructions; it is not one of the networks known here")
        machine.step(instruction.name, argument)
    return machine.result()


class _Machine:
    """Stack and memory of one pickle."""

    def __init__(self) -> None:
        self._stack: list[Any] = []
        self._memory: dict[int, Any] = {}

    def step(self, name: str, argument: Any) -> None:
        """Run one instruction. Raises ModelError for one that a torch file has no need of."""
        match name:
            case "PROTO" | "STOP":
                pass
            case "BININT" | "BININT1" | "BININT2" | "LONG1" | "BINUNICODE":
                self._stack.append(argument)
            case "BINPUT" | "LONG_BINPUT":
                self._memory[argument] = self._stack[-1]
            case "BINGET" | "LONG_BINGET":
                self._stack.append(self._memory[argument])
            case "GLOBAL":
                self._stack.append(_known(argument))
            case _ if name in _CONSTANTS:
                self._stack.append(_CONSTANTS[name]())
            case _ if name in _TUPLES:
                self._tuple(_TUPLES[name])
            case _:
                self._combine(name)

    def result(self) -> Any:
        """The one value that is left."""
        (value,) = self._stack
        return value

    def _combine(self, name: str) -> None:
        match name:
            case "TUPLE":
                self._stack.append(tuple(self._since_mark()))
            case "APPEND" | "APPENDS":
                values = self._since_mark() if name == "APPENDS" else self._pop(1)
                _is(self._stack[-1], list).extend(values)
            case "SETITEM" | "SETITEMS":
                pairs = self._since_mark() if name == "SETITEMS" else self._pop(2)
                _is(self._stack[-1], dict).update(zip(pairs[::2], pairs[1::2], strict=True))
            case "BINPERSID":
                self._stack.append(_storage(*self._stack.pop()))
            case "REDUCE":
                function, arguments = self._pop(2)
                self._stack.append(_call(function, arguments))
            case "BUILD":  # notes on the versions of layers, laid onto the mapping of tensors; not needed
                self._pop(1)
                _is(self._stack[-1], dict)
            case _:
                raise ModelError(f"the torch file holds the instruction {name}, which weights do not need; it may be an attack, remove it")

    def _tuple(self, size: int) -> None:
        self._stack.append(tuple(self._pop(size)))

    def _pop(self, count: int) -> list[Any]:
        if len(self._stack) < count:
            raise ModelError("the torch file takes more from its stack than it put there; fetch it again")
        values = self._stack[len(self._stack) - count :]
        del self._stack[len(self._stack) - count :]
        return values

    def _since_mark(self) -> list[Any]:
        place = max(place for place, value in enumerate(self._stack) if isinstance(value, _Mark))
        values = self._stack[place + 1 :]
        del self._stack[place:]
        return values


_CONSTANTS: Mapping[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_TUPLE": tuple,
    "EMPTY_LIST": list,
    "EMPTY_DICT": dict,
    "MARK": _Mark,
}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


def _known(name: str) -> _Name:
    if name not in (ORDERED_DICT, TENSOR, *STORAGES):
        raise ModelError(f"the torch file asks for {name!r}, which weights do not need; it may be an attack, remove it")
    return _Name(name)


def _call(function: Any, arguments: Any) -> Any:
    if function == _Name(ORDERED_DICT) and arguments == ():
        return {}
    if function == _Name(TENSOR):
        storage, offset, shape, strides, *_ = arguments
        return _Tensor(_is(storage, _Storage), _is(offset, int), _integers(shape), _integers(strides))
    raise ModelError(f"the torch file calls {function!r}, which weights do not need; it may be an attack, remove it")


def _storage(kind: Any, name: Any, key: Any, _place: Any, count: Any, view: Any) -> _Storage:
    if kind != "storage" or view is not None or _is(count, int) < 0:
        raise ModelError(f"the torch file refers to {kind!r} of {count!r}, not to a storage of its own; fetch it again")
    return _Storage(_is(key, str), STORAGES[_is(name, _Name).text], count)


def _integers(values: Any) -> tuple[int, ...]:
    if any(_is(value, int) < 0 for value in _is(values, tuple)):
        raise ModelError(f"the torch file holds a tensor of shape or steps {values}; fetch it again")
    return tuple(values)


def _is(value: Any, kind: type) -> Any:
    if not isinstance(value, kind):
        raise ModelError(f"the torch file holds a {type(value).__name__} where a {kind.__name__} belongs; fetch it again")
    return value
