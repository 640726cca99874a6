"""Legality control: what the Préfecture writes about the acts, what is answered, cancelled, stamped and certified."""
