import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import PictureRefused
from models.picture import decode, read
from models.results import Picture

BLUE, RED = (255, 0, 0), (0, 0, 255)


def halves(height: int = 60, width: int = 90) -> Picture:
    """Blue above, red below."""
    picture = np.empty((height, width, 3), np.uint8)
    picture[: height // 2], picture[height // 2 :] = BLUE, RED
    return picture


def encoded(ending: str, picture: np.ndarray) -> bytes:
    done, data = cv2.imencode(ending, picture)
    assert done
    return bytes(data)


def png(width: int, height: int, body: bytes = b"") -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(body)) + chunk(b"IEND", b"")


def with_orientation(jpeg: bytes, orientation: int) -> bytes:
    tiff = b"MM\x00*\x00\x00\x00\x08" + struct.pack(">HHHIHHI", 1, 0x0112, 3, 1, orientation, 0, 0)
    exif = b"Exif\x00\x00" + tiff
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + jpeg[2:]


def reason(data: bytes, **limits: int) -> str:
    with pytest.raises(PictureRefused) as refused:
        decode(data, **limits)
    return refused.value.reason


@pytest.mark.parametrize("ending", [".jpg", ".png", ".webp", ".bmp", ".gif"])
def test_every_format_gives_its_pixels(ending: str) -> None:
    picture = decode(encoded(ending, halves()))
    assert picture.shape == (60, 90, 3)
    assert picture.dtype == np.uint8
    assert picture.flags.c_contiguous
    assert np.abs(picture[5, 45].astype(int) - BLUE).max() < 12
    assert np.abs(picture[55, 45].astype(int) - RED).max() < 12


def test_grey_becomes_three_equal_channels() -> None:
    picture = decode(encoded(".png", np.full((50, 50), 77, np.uint8)))
    assert picture.shape == (50, 50, 3)
    assert (picture == 77).all()


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_sixteen_bit_is_cut_to_eight(channels: int) -> None:
    deep = np.full((50, 50, channels), 200 * 257, np.uint16)
    deep[..., 3:] = 65535
    picture = decode(encoded(".png", deep))
    assert picture.dtype == np.uint8
    assert np.abs(picture.astype(int) - 200).max() <= 1


@pytest.mark.parametrize("ending", [".png", ".webp"])
def test_what_is_transparent_is_seen_as_white(ending: str) -> None:
    layered = np.dstack([halves(), np.full((60, 90), 255, np.uint8)])
    layered[30:, :, 3] = 0
    picture = decode(encoded(ending, layered))
    assert np.abs(picture[5, 45].astype(int) - BLUE).max() < 12
    assert (picture[55, 45] >= 250).all()


def test_grey_with_transparency() -> None:
    rows = b"".join(b"\x00" + bytes([100, 255]) * 50 for _ in range(50))
    data = bytearray(png(50, 50, rows))
    data[25] = 4  # grey with alpha
    data[29:33] = struct.pack(">I", zlib.crc32(bytes(data[12:29])))
    assert (decode(bytes(data)) == 100).all()


@pytest.mark.parametrize(("orientation", "first"), [(1, BLUE), (3, RED), (6, None)])
def test_the_picture_is_turned_upright(orientation: int, first: tuple[int, int, int] | None) -> None:
    picture = decode(with_orientation(encoded(".jpg", halves()), orientation))
    if first is None:
        assert picture.shape == (90, 60, 3)
        assert np.abs(picture[45, 55].astype(int) - BLUE).max() < 12
    else:
        assert np.abs(picture[5, 45].astype(int) - first).max() < 12


@pytest.mark.parametrize(
    "data", [b"", b"\x00", b"hello, this is no picture", b"<svg/>", b"%PDF-1.7", b"II*\x00" + bytes(100), b"GIF90a" + bytes(50)]
)
def test_what_is_no_picture(data: bytes) -> None:
    assert reason(data) == "not_a_picture"


@pytest.mark.parametrize("ending", [".jpg", ".png", ".webp", ".bmp", ".gif"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.98])
def test_a_cut_picture(ending: str, share: float) -> None:
    data = encoded(ending, np.random.default_rng(2).integers(0, 256, (60, 90, 3), np.uint8))
    assert reason(data[: max(10, int(len(data) * share))]) in {"truncated", "not_a_picture"}


@pytest.mark.parametrize("ending", [".jpg", ".png", ".webp", ".bmp"])
def test_a_picture_cut_in_its_pixels_is_called_truncated(ending: str) -> None:
    data = encoded(ending, np.random.default_rng(2).integers(0, 256, (60, 90, 3), np.uint8))
    assert reason(data[: len(data) * 3 // 4]) == "truncated"


def test_a_small_file_of_absurd_size_is_refused_by_its_header() -> None:
    assert reason(png(2**31 - 1, 2**31 - 1)) == "too_large"
    assert reason(png(20_000, 20_000)) == "too_large"


def test_the_limit_is_the_callers() -> None:
    data = encoded(".png", halves(100, 100))
    assert reason(data, max_pixels=9_999) == "too_large"
    assert decode(data, max_pixels=10_000).shape == (100, 100, 3)


@pytest.mark.parametrize(("height", "width"), [(39, 500), (500, 39), (1, 1)])
def test_a_picture_without_room_for_a_face(height: int, width: int) -> None:
    assert reason(encoded(".png", halves(height, width))) == "too_small"


def test_no_pixels_at_all() -> None:
    assert reason(png(0, 0)) == "too_small"


def test_a_sound_frame_around_broken_pixels() -> None:
    assert reason(png(100, 100, b"short")) in {"truncated", "not_a_picture"}


def test_a_jpeg_whose_lengths_lead_nowhere() -> None:
    assert reason(b"\xff\xd8\xff\xe0\x00\x00" * 20) in {"truncated", "not_a_picture"}
    assert reason(b"\xff\xd8" + b"\xff" * 5000) == "truncated"
    assert reason(b"\xff\xd8\xff\xda" + bytes(100)) == "not_a_picture"


@given(
    data=st.binary(max_size=400),
    start=st.sampled_from([b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"BM", b"GIF89a", b"RIFF\x10\x00\x00\x00WEBPVP8X"]),
)
def test_no_bytes_do_anything_but_be_refused(data: bytes, start: bytes) -> None:
    assert reason(start + data) in {"not_a_picture", "truncated", "too_small", "too_large"}


def test_flipped_bytes_give_a_picture_or_a_refusal(demo: Callable[[str], Picture]) -> None:
    sound = bytearray(encoded(".jpg", cv2.resize(demo("demo-person-04-a"), (128, 128))))
    random = np.random.default_rng(9)
    for _ in range(200):
        broken = bytearray(sound)
        for place in random.integers(0, len(broken), 3):
            broken[place] ^= int(random.integers(1, 256))
        try:
            assert decode(bytes(broken)).ndim == 3
        except PictureRefused as refused:
            assert refused.reason in {"not_a_picture", "truncated", "too_small", "too_large"}


def test_read_takes_a_file_and_names_one_that_is_too_large(tmp_path: Path) -> None:
    path = tmp_path / "face.png"
    path.write_bytes(encoded(".png", halves()))
    assert read(path).shape == (60, 90, 3)
    with path.open("r+b") as file:
        file.truncate(200 * 1024 * 1024)  # sparse: takes no room
    with pytest.raises(PictureRefused, match=r"face\.png has 209715200 bytes"):
        read(path)
