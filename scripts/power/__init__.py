"""Power cuts at any moment on a disk that keeps no more than it must, and bits flipped in files: what survives of the outbox."""
