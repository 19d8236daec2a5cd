"""The line to the centre: what is sent, and what is heard."""
