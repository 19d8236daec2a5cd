"""Registers as they came from outside, and joined."""
