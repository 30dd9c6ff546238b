"""What compression did to each layer: statistics of weights and activations, alignment, and suspects."""
