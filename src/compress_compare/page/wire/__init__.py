"""The declared questions and answers of the server, by noun."""
