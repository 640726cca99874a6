"""Hand-over: a signed folder leaves for the commune's own software, as one ZIP with its manifest."""
