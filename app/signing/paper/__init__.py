"""Signing on paper: the act is signed by hand, its scan follows the folder, and the original's place is known (SIG-07)."""
