"""Checkpoints as tensors that are read a piece at a time: one format per file, no code run, no torch."""
