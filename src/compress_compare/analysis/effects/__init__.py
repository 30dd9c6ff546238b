"""Matched-pair effects of operations: the pairs, their differences, and what follows from them."""
