"""Read a picture's size from its first bytes, so that an absurd one is refused before a decoder makes room for it."""

import re
import struct
from dataclasses import dataclass

from models.errors import PictureRefused

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_END = b"IEND\xae\x42\x60\x82"
PNG_WITH_ALPHA = (4, 6)  # colour types
JPEG_END = b"\xff\xd9"
# Frame headers (baseline to arithmetic); C4, C8 and CC in this range are tables, not frames.
JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
JPEG_SCAN = 0xDA
JPEG_WITHOUT_LENGTH = frozenset(range(0xD0, 0xD9)) | {0x01}
GIF_END = b"\x3b"


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a file says of itself. `complete` is False when its end is missing."""

    width: int
    height: int
    complete: bool
    alpha: bool = False


def read_header(data: bytes) -> Header:
    """Size and completeness of a JPEG, PNG, WebP, BMP or GIF. Decodes nothing.

    Raises PictureRefused: not_a_picture for anything else, truncated when the file ends inside its header.
    """
    for signature, reader in _READERS:
        if re.match(signature, data, re.DOTALL):
            try:
                return reader(data)
            except (struct.error, IndexError) as error:
                raise PictureRefused("truncated", f"the picture ends after {len(data)} bytes, inside its header; send it again") from error
    raise PictureRefused("not_a_picture", f"{len(data)} bytes that are no JPEG, PNG, WebP, BMP or GIF; save the picture as JPEG or PNG")


def _png(data: bytes) -> Header:
    width, height, _, colour = struct.unpack_from(">IIBB", data, 16)
    return Header(width=width, height=height, complete=PNG_END in data, alpha=colour in PNG_WITH_ALPHA)


def _jpeg(data: bytes) -> Header:
    at, size = 2, None
    while True:
        if data[at] != 0xFF:
            raise PictureRefused("not_a_picture", f"a JPEG with no marker at byte {at}; save the picture again")
        marker = data[at + 1]
        if marker == 0xFF:  # padding before a marker
            at += 1
        elif marker in JPEG_WITHOUT_LENGTH:
            at += 2
        elif marker == JPEG_SCAN:
            break
        else:
            (length,) = struct.unpack_from(">H", data, at + 2)
            if marker in JPEG_FRAMES:
                size = struct.unpack_from(">HH", data, at + 5)
            at += 2 + length
    if size is None:
        raise PictureRefused("not_a_picture", "a JPEG whose picture begins before its size is given; save the picture again")
    return Header(width=size[1], height=size[0], complete=data.find(JPEG_END, at) >= 0)


def _webp(data: bytes) -> Header:
    (length,) = struct.unpack_from("<I", data, 4)
    width, height, alpha = _WEBP_SIZES[data[12:16]](data)
    return Header(width=width, height=height, complete=len(data) >= length + 8, alpha=alpha)


def _webp_lossy(data: bytes) -> tuple[int, int, bool]:
    width, height = struct.unpack_from("<HH", data, 26)
    return width & 0x3FFF, height & 0x3FFF, False


def _webp_lossless(data: bytes) -> tuple[int, int, bool]:
    (bits,) = struct.unpack_from("<I", data, 21)
    return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, bool(bits >> 28 & 1)


def _webp_extended(data: bytes) -> tuple[int, int, bool]:
    flags, _, wide, wide_high, high, high_high = struct.unpack_from("<B3sHBHB", data, 20)
    return (wide | wide_high << 16) + 1, (high | high_high << 16) + 1, bool(flags & 0x10)


def _bmp(data: bytes) -> Header:
    length, width, height = struct.unpack_from("<I12xIi", data, 2)
    return Header(width=width, height=abs(height), complete=len(data) >= length)


def _gif(data: bytes) -> Header:
    width, height = struct.unpack_from("<HH", data, 6)
    return Header(width=width, height=height, complete=GIF_END in data[13:])


_WEBP_SIZES = {b"VP8 ": _webp_lossy, b"VP8L": _webp_lossless, b"VP8X": _webp_extended}
_READERS = (
    (re.escape(PNG_SIGNATURE), _png),
    (rb"\xff\xd8\xff", _jpeg),
    (rb"RIFF....WEBPVP8[ LX]", _webp),
    (rb"BM", _bmp),
    (rb"GIF8[79]a", _gif),
)
