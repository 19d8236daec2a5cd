"""Events, numbered, signed and durable until the centre receipted them."""
