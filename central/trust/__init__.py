"""Whom to trust: the keys of a device through its life, the hot list, and the second looks of people."""
