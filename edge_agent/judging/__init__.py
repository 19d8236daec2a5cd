"""Whether the person at the window is the insured person."""
