"""Log what a training loop makes, from inside it. One framework per file; import the one that you use."""
