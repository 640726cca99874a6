"""Invoices received by the commune, from proof of service to the finance software."""
