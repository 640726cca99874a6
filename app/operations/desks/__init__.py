"""The desks of a collectivity in the browser: their tree, who holds each, what uses it, what would stop."""
