"""How long it takes to get from one institution to another."""

from typing import Any

from central.rules.base import HOUR, MINUTE

_EARTH_KM = 6371.0


def km(latitude: Any, longitude: Any, other_latitude: Any, other_longitude: Any) -> Any:
    """Kilometres between two places in degrees (WGS 84), by the haversine formula on a sphere; good to 0.5 %, and roads are longer."""
    half_up = ((other_latitude - latitude) / 2).radians().sin()
    half_along = ((other_longitude - longitude) / 2).radians().sin()
    chord = half_up * half_up + latitude.radians().cos() * other_latitude.radians().cos() * half_along * half_along
    return chord.sqrt().clip(upper=1.0).asin() * (2 * _EARTH_KM)


def needed_us(distance_km: Any, least_minutes: int, km_per_h: int) -> Any:
    """Microseconds that nobody can undercut on that way: its time by road, and at least so many minutes."""
    return (distance_km * (HOUR / km_per_h)).clip(lower=float(least_minutes * MINUTE))
