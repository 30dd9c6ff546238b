"""Measures quality, size and cost of a model: one file for each quantity, with its unit and method."""
