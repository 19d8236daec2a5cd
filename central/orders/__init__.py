"""What the centre asks of a device: film, a roll-call, other settings, its end. Each is asked until it is answered or over."""
