"""Pairs captures with settlements; every one gets exactly one code."""
