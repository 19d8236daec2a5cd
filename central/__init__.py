"""The centre: receives what the windows saw, compares it with the claims, and lets people decide."""
