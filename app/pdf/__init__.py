"""What a PDF shows, and whether what was added to it could show something else than what was signed."""
