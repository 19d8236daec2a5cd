"""Compares both sides of every settlement: what is stored, or what lies in a folder, with the same rules on any engine."""
