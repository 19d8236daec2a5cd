"""Local time of the national interface. China has kept UTC+8 without summer time since 1992; earlier times do not occur here."""

from datetime import datetime, timedelta, timezone

CHINA = timezone(timedelta(hours=8), "Asia/Shanghai")


def local_text(moment: datetime) -> str:
    """`yyyy-MM-dd HH:mm:ss` in China, as the national interface writes times."""
    return moment.astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S")
