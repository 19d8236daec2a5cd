"""What a camera delivers, what it cannot see, and for how long."""
