"""Who did what and looked at whom, in a hash chain."""
