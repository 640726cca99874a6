"""The two public pages that a collectivity completes: accessibility, and personal data."""
