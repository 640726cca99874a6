"""Files: what is deposited is examined before anything is kept, and what is kept is never changed."""
