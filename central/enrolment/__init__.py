"""How a terminal comes to be trusted: planned with its cameras, given a one-time token, answered once."""
