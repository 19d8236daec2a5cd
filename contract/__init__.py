"""What edge and centre say to each other: ids, topics, messages, signatures and seals. No I/O, no clock, no settings."""
