"""Callbacks that log the model of a training loop. Each framework has its own module; import the one that you use."""
