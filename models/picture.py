"""Turn the bytes of a picture file into pixels, or say why not. Every file is taken for hostile."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models.errors import PictureRefused
from models.picture_header import Header, read_header
from models.results import Picture

MAX_PIXELS = 40_000_000
MAX_BYTES = 64 * 1024 * 1024
MIN_SIDE = 40  # pixels; a face smaller than this cannot be compared, so neither can a picture


def read(path: Path, max_pixels: int = MAX_PIXELS) -> Picture:
    """The picture in a file. Raises PictureRefused as `decode` does, and OSError when the file cannot be read."""
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise PictureRefused("too_large", f"{path.name} has {size} bytes, more than {MAX_BYTES}; save it smaller")
    return decode(path.read_bytes(), max_pixels)


def decode(data: bytes, max_pixels: int = MAX_PIXELS) -> Picture:
    """The pixels (height x width x 3, BGR, 8 bit) of a JPEG, PNG, WebP, BMP or GIF, turned upright as its EXIF says.

    Grey becomes three equal channels, 16 bit is cut to 8, what is transparent is laid over white, of an animation the first picture is
    taken. The size is read from the header and checked before anything is decoded. Raises PictureRefused with not_a_picture, truncated,
    too_small or too_large.
    """
    if not data:
        raise PictureRefused("not_a_picture", "the picture has no bytes; send it again")
    header = read_header(data)
    _check_size(header, max_pixels)
    if not header.complete:
        raise PictureRefused("truncated", f"the picture is cut off after {len(data)} bytes; send it again")
    pixels = _decoded(data, header)
    if pixels is None or sorted(pixels.shape[:2]) != sorted((header.height, header.width)):
        raise PictureRefused("not_a_picture", f"a picture of {header.width} x {header.height} that cannot be decoded; save it again")
    return np.ascontiguousarray(pixels)


def _check_size(header: Header, max_pixels: int) -> None:
    size = f"the picture is {header.width} x {header.height} pixels"
    if min(header.width, header.height) < MIN_SIDE:
        raise PictureRefused("too_small", f"{size}; its shorter side must have at least {MIN_SIDE}")
    if header.width * header.height > max_pixels:
        raise PictureRefused("too_large", f"{size}, more than {max_pixels} together; save it smaller")


def _decoded(data: bytes, header: Header) -> Picture | None:
    buffer = np.frombuffer(data, np.uint8)
    try:
        if not header.alpha:
            opaque: Picture | None = cv2.imdecode(buffer, cv2.IMREAD_COLOR)
            return opaque
        layered = cv2.imdecode(buffer, cv2.IMREAD_UNCHANGED)
    except cv2.error:  # the decoder's own checks; the caller says it in our words
        return None
    return None if layered is None else _over_white(layered)


def _over_white(layered: NDArray[np.uint8] | NDArray[np.uint16]) -> Picture:
    """What a viewer shows: a transparent picture may hide other pixels than people see."""
    eight_bit = (layered >> 8).astype(np.uint8) if layered.dtype == np.uint16 else layered
    if eight_bit.ndim != 3 or eight_bit.shape[2] != 4:
        return np.ascontiguousarray(cv2.cvtColor(eight_bit, cv2.COLOR_GRAY2BGR) if eight_bit.ndim == 2 else eight_bit[:, :, :3])
    cover = eight_bit[:, :, 3:].astype(np.uint16)
    return ((eight_bit[:, :, :3] * cover + 255 * (255 - cover)) // 255).astype(np.uint8)
