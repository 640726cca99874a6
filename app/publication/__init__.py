"""Publication: the public page of a collectivity's acts, and what remains to be put there (CGCT L2131-1, R2131-1)."""
