"""Code the film of a settlement as a clip that every browser plays: VP8 in WebM, written whole in memory, never to a file.

Each picture is a key frame with its own time. libvpx behind OpenCV's VideoWriter takes a fixed 2 bits per pixel, whatever it is told, and
needs a file; the key frames of libwebp, which are VP8 as well (RFC 6386, RFC 9649), take half the bytes and less time at the same look,
keep the true times of a camera that stutters, and can be dropped one by one until a clip fits.
The container follows RFC 9559 (Matroska) in the part that the WebM guidelines allow.
"""

import struct
from collections.abc import Callable, Sequence
from datetime import timedelta

import cv2
import numpy as np

from edge_agent.film.bystanders import Anchor, blurred, subject_of
from edge_agent.film.film import Still
from models.results import Picture

CLUSTER_MS = 5000  # also how far apart the places are that a player may jump to
LAST_MS = 200  # how long the last picture stays
HOLE = timedelta(seconds=2)  # a longer one is shown black: nobody shall take an old picture for what was there

Frame = tuple[int, bytes]
"""Milliseconds from the start, and one VP8 key frame."""


class Stopped(Exception):
    """Coding was told to stop; nothing was made."""


def clip(
    stills: Sequence[Still], anchors: Sequence[Anchor], *, blur: bool, quality: int, most_bytes: int, stop: Callable[[], bool]
) -> bytes:
    """A WebM of these pictures. Without `blur` every face stays as it is. `stop` is asked before each picture; raises Stopped.

    Raises ValueError for no pictures, or for one that cannot be read.
    """
    if not stills:
        raise ValueError("no pictures to make a clip of")
    height, width = _picture(stills[0]).shape[:2]
    subjects = subject_of(stills, anchors)
    frames: list[Frame] = []
    for index, still in enumerate(stills):
        if stop():
            raise Stopped
        if index and still.at - stills[index - 1].at > HOLE:
            black = key_frame(np.zeros((height, width, 3), np.uint8), quality)
            frames.append((_ms(stills[index - 1].at + HOLE / 2 - stills[0].at), black))
        shown = blurred(_picture(still), stills, subjects, index) if blur else _picture(still)
        if shown.shape[:2] != (height, width):
            shown = cv2.resize(shown, (width, height), interpolation=cv2.INTER_AREA)
        frames.append((_ms(still.at - stills[0].at), key_frame(shown, quality)))
    while len(made := webm(frames, width, height)) > most_bytes and len(frames) > 1:
        frames = frames[::2]
    return made


def unrecognisable(still: Still) -> Picture:
    """The picture with every face in it blurred."""
    return blurred(_picture(still), [still], [None], 0)


def key_frame(picture: Picture, quality: int) -> bytes:
    """The picture as one VP8 key frame, taken out of a lossy WebP. Raises ValueError when it cannot be coded."""
    done, coded = cv2.imencode(".webp", picture, [cv2.IMWRITE_WEBP_QUALITY, quality])
    data = coded.tobytes() if done else b""
    if data[12:16] != b"VP8 ":
        raise ValueError(f"a picture of shape {picture.shape} cannot be coded as VP8")
    return data[20 : 20 + struct.unpack_from("<I", data, 16)[0]]


def webm(frames: Sequence[Frame], width: int, height: int) -> bytes:
    """Put key frames with rising times into a WebM that can be played from any place."""
    head = _info(frames[-1][0] + LAST_MS) + _track(width, height)
    clusters = _clusters(frames)
    first = len(head) + len(_cues([(0, 0)] * len(clusters)))
    places, offset = [], first
    for at_ms, cluster in clusters:
        places.append((at_ms, offset))
        offset += len(cluster)
    segment = head + _cues(places) + b"".join(cluster for _, cluster in clusters)
    return _element(0x1A45DFA3, _doctype()) + _element(0x18538067, segment)


def _doctype() -> bytes:
    numbers = ((0x4286, 1), (0x42F7, 1), (0x42F2, 4), (0x42F3, 8), (0x4287, 2), (0x4285, 2))
    return b"".join(_number(name, value) for name, value in numbers) + _element(0x4282, b"webm")


def _info(duration_ms: int) -> bytes:
    by = b"window watch"
    parts = _number(0x2AD7B1, 1_000_000) + _element(0x4489, struct.pack(">d", duration_ms)) + _element(0x4D80, by) + _element(0x5741, by)
    return _element(0x1549A966, parts)


def _track(width: int, height: int) -> bytes:
    video = _element(0xE0, _number(0xB0, width) + _number(0xBA, height))
    entry = _number(0xD7, 1) + _number(0x73C5, 1) + _number(0x83, 1) + _number(0x9C, 0) + _element(0x86, b"V_VP8") + video
    return _element(0x1654AE6B, _element(0xAE, entry))


def _cues(places: Sequence[tuple[int, int]]) -> bytes:
    """Where the cluster of each time begins, counted from the start of the segment's content."""
    points = (_element(0xBB, _number(0xB3, at_ms) + _element(0xB7, _number(0xF7, 1) + _number(0xF1, offset))) for at_ms, offset in places)
    return _element(0x1C53BB6B, b"".join(points))


def _clusters(frames: Sequence[Frame]) -> list[tuple[int, bytes]]:
    grouped: dict[int, list[Frame]] = {}
    for frame in frames:
        grouped.setdefault(frame[0] // CLUSTER_MS, []).append(frame)
    return [(group[0][0], _cluster(group)) for group in grouped.values()]


def _cluster(frames: Sequence[Frame]) -> bytes:
    begun = frames[0][0]
    blocks = (_element(0xA3, b"\x81" + struct.pack(">hB", at_ms - begun, 0x80) + data) for at_ms, data in frames)
    return _element(0x1F43B675, _number(0xE7, begun) + b"".join(blocks))


def _number(name: int, value: int) -> bytes:
    """Always eight bytes long, so that the length of a table does not hang on what stands in it."""
    return _element(name, value.to_bytes(8, "big"))


def _element(name: int, content: bytes) -> bytes:
    return name.to_bytes((name.bit_length() + 7) // 8, "big") + (1 << 56 | len(content)).to_bytes(8, "big") + content


def _picture(still: Still) -> Picture:
    picture: Picture | None = cv2.imdecode(np.frombuffer(still.jpeg, np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        raise ValueError("a picture of the film cannot be read")
    return picture


def _ms(span: timedelta) -> int:
    return round(span / timedelta(milliseconds=1))
