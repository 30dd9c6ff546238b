"""Everything on disk: the only SQL and the only paths."""
