"""Who may work at the centre."""
