"""Whom we believe: authorities and trusted lists, revocation, the time of others, which keys may sign."""
