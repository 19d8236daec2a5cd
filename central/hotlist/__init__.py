"""Devices, models and clerks that nobody should rely on for now, and what has to be looked at again because of them."""
