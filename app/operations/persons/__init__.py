"""What is kept about one person: read by him, given to him, and reduced once he is gone (RGPD 5, 15 and 17)."""
