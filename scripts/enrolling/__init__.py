"""What `scripts/enrol_site.py` does: register sites with their terminals one by one or in bulk, and fill sticks for them."""
