"""The packings of weights that tools write into safetensors files, one tool or layout a file."""
