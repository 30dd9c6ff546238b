"""Callbacks that log the model of a training loop: one file per framework; import the one that you use."""
