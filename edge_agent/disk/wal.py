"""Whether a write-ahead log was torn by a power cut, which is lawful, or damaged later, which SQLite does not tell apart.

SQLite reads the log up to the first frame whose checksum fails and forgets the rest without a word. After a power cut that rest is at most
the one transaction that was being written, and no byte tells whether it had been committed and was damaged later: there the log is torn.
What lies behind a later, whole transaction was committed once: there the log is damaged.
Format: https://www.sqlite.org/fileformat2.html#the_write_ahead_log
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

MAGIC = 0x377F0682
HEADER, FRAME = 32, 24
PAGE = 4096

_Sum = tuple[int, int]
_ZERO: _Sum = (0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One version of a page. `size` is that of the database in pages where a transaction ends, else 0. `sound` says that its checksum holds
    on the one that the frame before it carries, so that one bad frame does not discredit all that follow.
    """

    page: int
    size: int
    image: memoryview
    sound: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """The frames of a log up to the last one that is sound or ends a transaction. Without a sound header SQLite would read none of them."""

    header_sound: bool
    frames: Sequence[Frame]

    @property
    def damaged(self) -> bool:
        """Whether SQLite would pass over transactions that were committed."""
        first = next((at for at, frame in enumerate(self.frames) if not frame.sound), None)
        if not self.header_sound:
            return any(frame.sound and frame.size for frame in self.frames)
        if first is None:
            return False
        ends = [frame for frame in self.frames[first:] if frame.size]
        return any(frame.sound for frame in ends[1:])

    @property
    def torn(self) -> bool:
        """Whether SQLite would pass over what looks like a whole transaction but for its checksums."""
        first = next((at for at, frame in enumerate(self.frames) if not frame.sound), len(self.frames))
        return not self.damaged and any(frame.size for frame in self.frames[first:])

    @property
    def committed(self) -> Sequence[Frame]:
        """The frames of whole transactions, sound or not."""
        last = max((at for at, frame in enumerate(self.frames) if frame.sound and frame.size), default=-1)
        return self.frames[: last + 1]


def read(data: bytes) -> Log:
    """Read a log; `data` may be empty."""
    if len(data) < HEADER + FRAME:
        return Log(header_sound=True, frames=())
    magic, _, page_size = struct.unpack_from(">III", data)
    order = ">" if magic & 1 else "<"
    stored = struct.unpack_from(">II", data, 24)
    header_sound = magic & ~1 == MAGIC and _sum(data[:24], order, _ZERO) == stored
    if not header_sound:
        order, page_size = "<", PAGE
    salt = data[16:24] if header_sound else data[HEADER + 8 : HEADER + 16]
    frames = _frames(memoryview(data), page_size, order, salt, stored)
    last = max((at for at, frame in enumerate(frames) if frame.sound or frame.size), default=-1)
    return Log(header_sound=header_sound, frames=frames[: last + 1])


def _frames(data: memoryview, page_size: int, order: str, salt: bytes, before: _Sum) -> list[Frame]:
    found = []
    for at in range(HEADER, len(data) - FRAME - page_size + 1, FRAME + page_size):
        page, size = struct.unpack_from(">II", data, at)
        stored = struct.unpack_from(">II", data, at + 16)
        image = data[at + FRAME : at + FRAME + page_size]
        own = data[at + 8 : at + 16]
        ours = _of_this_log(own, salt)  # where a frame never arrived nothing is said, not even where a transaction ends
        sound = own == salt and _sum(image, order, _sum(data[at : at + 8], order, before)) == stored
        found.append(Frame(page=page, size=size if ours else 0, image=image, sound=sound))
        before = stored
    return found


def _of_this_log(own: memoryview, salt: bytes) -> bool:
    """Half of the salt rises by one with each log and half is drawn anew, so no changed bit makes a frame one of an earlier log."""
    return own[:4] == salt[:4] or own[4:] == salt[4:]


def _sum(data: bytes | memoryview, order: str, before: _Sum) -> _Sum:
    first, second = before
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    for even, odd in zip(words[::2], words[1::2], strict=True):
        first = (first + even + second) & 0xFFFFFFFF
        second = (second + odd + first) & 0xFFFFFFFF
    return first, second
