"""Making logs and changing them, to show that every change is found."""
