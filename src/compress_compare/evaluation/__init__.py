"""Measures quality, size and cost of a model: one file per quantity, each with its unit and method."""
