"""Files that survive power loss, damage and a full disk."""
