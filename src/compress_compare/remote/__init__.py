"""A project over HTTP: the same calls, answered by a server."""
