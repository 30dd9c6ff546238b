"""What compression did to layers: weights, sparsity, storage, activations, single tensors."""
