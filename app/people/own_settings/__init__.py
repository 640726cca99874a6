"""The settings that a collectivity may have as its own: what each may be, its value with where it comes from, its trials."""
