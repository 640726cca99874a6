"""Decisions that the mayor takes under a delegation of the council (CGCT L2122-22)."""
