"""What is measured against the goals: one file for each thing measured, joined in `__main__`."""
