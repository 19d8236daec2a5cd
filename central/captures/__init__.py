"""What the windows saw: ingest, receipts, faces."""
