"""Where the signatures of a folder stand on its page, and who says so."""
