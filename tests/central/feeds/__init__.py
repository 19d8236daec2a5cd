"""Files from outside become typed batches."""
