"""All statistics, each once: intervals, tests, and corrections for many of them."""
