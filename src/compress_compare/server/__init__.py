"""The HTTP server: a loopback-only application with its interface built in."""
