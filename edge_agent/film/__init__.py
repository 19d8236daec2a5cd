"""Film of settlements: kept, asked for, blurred, coded and sent."""
