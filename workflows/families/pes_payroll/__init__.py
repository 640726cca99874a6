"""Pay flows (PES v2), from the payroll office to the Treasury, seen by nobody else than who signs them."""
