"""Help in the page: what it is for, three gestures, its words; then the keys."""
