"""Institutions, their windows and devices, and what the broker lets each device do."""
