"""Enrolling a certificate: its holder shows that the key is his, and the name on it is compared with his."""
