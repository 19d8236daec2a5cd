"""What comes from outside: which columns each dataset has, and readers that turn files into typed batches."""
