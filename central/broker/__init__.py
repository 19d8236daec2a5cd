"""What the message broker is told, and the embedded one as a child process."""
