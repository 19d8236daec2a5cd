"""A synthetic month of settlements, captures and registers, with planted fraud and what looks like it, and the truth beside it."""
