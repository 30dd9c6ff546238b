"""What is measured about a model, in which unit and how: one file per quantity."""
