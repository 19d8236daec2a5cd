"""The rule catalogue: one file per rule, each an Ibis expression."""
