"""Where what only this tool reads stands in the files of other tools, which pass over it."""

KEY = "compress_compare"
DEFINITIONS = "compress_compare_metrics"
"""Of the definitions of all metrics, in formats that have one place for the whole project."""
