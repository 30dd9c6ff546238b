"""What compression did to each layer: statistics of weights and activations, alignment, and who is to blame."""
