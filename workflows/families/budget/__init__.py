"""Budgets and accounts (TotEM, CFU) with the deliberation that adopts them, in one envelope."""
