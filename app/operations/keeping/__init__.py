"""What leaves an installation whole and comes back whole: the copy that is kept, and the move to another database."""
