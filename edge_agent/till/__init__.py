"""What the till may ask on this machine, and what it hears."""
