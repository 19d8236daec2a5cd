"""Where claims come from: one file per source."""
