"""Two copies of a project made one: equal is equal by content, and what contradicts is decided, never overwritten."""
