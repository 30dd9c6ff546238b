"""An extension of Model Explorer: ``model-explorer network.pt2 --extensions=compress_compare.model_explorer``."""
