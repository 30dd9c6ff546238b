"""Whether a number keeps a bound, judged by its interval: passed, failed, or not enough data."""
