"""From what is stored to an answer: one file for each question that a project is asked."""
