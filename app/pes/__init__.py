"""Payment flows (PES v2): what a flow says of itself is read once at deposit, and shown line by line to whoever signs it."""
