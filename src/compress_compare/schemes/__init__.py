"""How the tensors of a model are stored: number formats, and which channels are left."""
