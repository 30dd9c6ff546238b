"""What the page is told, without HTTP."""
