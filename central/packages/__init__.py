"""Evidence packages: everything about one finding, checkable by a stranger without us."""
