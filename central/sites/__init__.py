"""Institutions, and on which legal basis their windows are watched."""
