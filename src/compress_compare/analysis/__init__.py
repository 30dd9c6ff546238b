"""Pure analysis: what differs between models, what operations do, where behavior and weights change."""
