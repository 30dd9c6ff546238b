"""What changed for single inputs, classes and slices when a model was compressed."""
