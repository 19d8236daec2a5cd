"""Insured persons: templates, proxies and which sites expect them."""
