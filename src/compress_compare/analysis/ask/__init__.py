"""Questions about all models of a project, in one line: conditions, an order, bounds."""
