"""Findings and what people decided about them."""
