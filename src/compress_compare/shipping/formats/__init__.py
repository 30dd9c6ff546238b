"""The formats in which a model can be shipped, one a file."""
