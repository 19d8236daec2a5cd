"""Kill agent, broker and ingest at random moments under a load of settlements, and compare every ledger afterwards."""
