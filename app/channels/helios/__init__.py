"""Hélios: PES flows leave for the public accountant, and his acquits come back."""
