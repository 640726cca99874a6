"""Deliberations of the council, from the draft to the day they become enforceable."""
