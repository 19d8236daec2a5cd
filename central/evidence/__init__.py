"""Sealed pictures at rest, opened only for a logged view."""
