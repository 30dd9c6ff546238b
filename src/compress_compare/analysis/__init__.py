"""Pure analysis: what differs between models, what operations do, where behaviour and weights change."""
