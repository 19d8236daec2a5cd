"""Commands of the centre that change this device's settings or end its service."""
