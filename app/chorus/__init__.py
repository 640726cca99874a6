"""Chorus Pro: invoices addressed to a collectivity are fetched once each, and what becomes of them is told there once."""
