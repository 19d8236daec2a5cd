"""Self-checks, one file each: what is wrong now, by its code. The next run without it withdraws it; one failing check stops no other."""
