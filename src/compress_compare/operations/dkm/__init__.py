"""Differentiable k-means: attention, the modules that train through it, packing and size."""
