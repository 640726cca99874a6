"""The post room: what leaves, by which carrier, and what comes back."""
