"""Indicators: day by day, of institutions, doctors and regions, beside their peers."""
