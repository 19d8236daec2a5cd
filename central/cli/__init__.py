"""What `python -m central` can be asked to do, a file for each group of commands."""
