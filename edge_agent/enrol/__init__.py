"""How this machine becomes a trusted terminal: keys made here, one exchange with the centre, a settings folder, an acceptance report."""
