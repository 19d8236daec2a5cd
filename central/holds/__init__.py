"""Holds: what must be kept however old it is, because a case needs it."""
