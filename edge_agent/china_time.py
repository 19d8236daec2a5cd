"""Times as the national interface writes them: `yyyy-MM-dd HH:mm:ss`, Asia/Shanghai."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer

from contract.ids import Moment

SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")  # no summer time since 1991
FORMAT = "%Y-%m-%d %H:%M:%S"
LENGTH = 19


def parse(text: object) -> datetime:
    """The moment, in UTC; an aware datetime passes through. Raises ValueError for any other form, and for the edges of the calendar."""
    if isinstance(text, datetime) and text.tzinfo is not None:
        return text.astimezone(UTC)
    if not isinstance(text, str) or len(text) != LENGTH:
        raise ValueError("a time is written yyyy-MM-dd HH:mm:ss, Asia/Shanghai")
    try:
        return datetime.strptime(text, FORMAT).replace(tzinfo=SHANGHAI).astimezone(UTC)
    except OverflowError:
        raise ValueError("the time lies before the calendar") from None


def write(moment: datetime) -> str:
    """The moment as the interface writes it."""
    return moment.astimezone(SHANGHAI).strftime(FORMAT)


ChinaTime = Annotated[Moment, BeforeValidator(parse), PlainSerializer(write, when_used="json")]
