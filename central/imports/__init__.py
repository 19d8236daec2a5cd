"""How data comes in: files, pushes of programs and pulls from databases, for every dataset, with a page that shows them."""
