"""k-means: exact on a line, and of vectors."""
