"""A Treasury that does not exist: it takes flows, acquits them, and says of itself what it paid, in real bytes."""
