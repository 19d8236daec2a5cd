"""What the pages and APIs of every room share: texts, templates, who is asking, headers, errors."""
