"""Identifiers as the national settlement interface writes them, narrowed to what is safe in a topic, a file name and a log line.

None of the types checks that the thing exists; they only refuse text that cannot be an identifier.
"""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, Field, StringConstraints

DeviceId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{2,47}$")]
"""One terminal. No dot, slash, space, plus or hash: it is a topic level, a NATS subject token and a certificate name."""

FixmedinsCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]?\d{11}$")]
"""定点医药机构编号: H or P, region (6), serial (5). The letter is optional because localities differ."""

Msgid = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]{1,30}$")]
"""发送方报文ID, 30 characters: fixmedins_code, yyyyMMddHHmmss, serial (4). The reply stores it as medins_setl_id."""

PsnNo = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,30}$")]
"""人员编号, opaque."""

SetlId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,30}$")]
"""结算ID or 就诊ID (mdtrt_id)."""

WindowId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{0,15}$")]
"""One settlement window of a terminal, unique within its device."""

RequestId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
"""One question of the centre; its answer names it."""

Opter = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,30}$")]
"""经办人编号: the clerk as the settlement software knows them; no name."""

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""Lower-case hexadecimal SHA-256."""

Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
"""A reason or state in snake case; texts for people are made from it at the console, never sent."""

Count = Annotated[int, Field(ge=0, le=2**31 - 1)]
"""A number of things; fits every database."""

Epoch = Annotated[int, Field(ge=1, le=2**40)]
"""Names one life of a device's outbox: Unix seconds of its making, or more where that number was taken."""

Seq = Annotated[int, Field(ge=1, le=2**31 - 1)]
"""Place of an event in its epoch."""

ShortText = Annotated[str, StringConstraints(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f]+$")]
"""A few words or a foreign number, without control characters: databases and terminals choke on them."""

NoteText = Annotated[str, StringConstraints(min_length=1, max_length=4096)]
"""A checkpoint of the transparency log as a signed note, with the log's own signature."""

KeyId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}$")]
"""The id of the key that signs such notes."""

_EARLIEST, _LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


def _of_our_time(moment: datetime) -> datetime:
    if not _EARLIEST <= moment < _LATEST:
        raise ValueError("the time does not lie between 2000 and 2100")
    return moment


Moment = Annotated[AwareDatetime, AfterValidator(_of_our_time)]
"""A point in time with its zone; a clock may be wrong, but not by centuries."""
