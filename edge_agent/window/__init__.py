"""Who stands at a settlement window: faces found, followed, and the window found empty."""
