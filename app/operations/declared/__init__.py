"""A collectivity as one file: people, desks, types, circuits, rules, settings written, compared, applied. No secret is in it."""
