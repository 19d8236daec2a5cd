"""Terminals, their windows, their keys, and what they say of themselves."""
