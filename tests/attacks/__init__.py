"""Forgeries of signed files and honest ones, made on the spot from files of our own: which of them we believe, and why."""
