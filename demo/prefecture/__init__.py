"""A Préfecture that does not exist: it takes acts, answers them, and writes about them, in the very bytes of the State's."""
