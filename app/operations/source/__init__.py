"""The source of what runs here, for whoever uses it."""
