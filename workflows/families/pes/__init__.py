"""Payment and revenue flows (PES v2), from the finance office to the Treasury."""
