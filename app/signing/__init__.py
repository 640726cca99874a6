"""Certificate signatures in one shape, prepare then complete, wherever the key lives."""
