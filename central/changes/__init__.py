"""What came or changed since it was last reconciled."""
