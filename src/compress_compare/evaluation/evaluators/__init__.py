"""Ready-made evaluators: what a task measures and answers, each computed by the library that its field uses."""
