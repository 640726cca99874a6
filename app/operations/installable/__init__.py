"""Paraphe among the applications of a tablet: what the browser is told of it, and what it shows when nothing answers."""
