"""Why something was not measured."""


class CannotMeasure(RuntimeError):
    """What is needed for a figure is not at hand; the message says what, and what would help. No figure is made up instead."""
