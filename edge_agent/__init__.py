"""The agent on the settlement terminal: it watches the window, compares, decides, signs and delivers, and loses nothing."""
