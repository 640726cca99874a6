"""Invoices that come by themselves (Chorus Pro, a mailbox, a scanner): kept at once, then opened as folders at a desk."""
