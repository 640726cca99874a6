"""Invoices: what a supplier's file says is read, shown and compared, and never guessed."""
