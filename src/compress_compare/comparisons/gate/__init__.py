"""The gate: whether a model keeps the rules that its release is held to."""
