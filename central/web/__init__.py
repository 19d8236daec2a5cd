"""The console's templates, texts and static files."""
