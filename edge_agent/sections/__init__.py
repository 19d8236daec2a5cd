"""Sections of the settings file, each with its values, units and reasons."""
