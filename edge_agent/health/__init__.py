"""What the agent knows of its own state, and whom it tells."""
