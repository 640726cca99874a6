"""A reply to the Préfecture, from the letter to its receipt."""
