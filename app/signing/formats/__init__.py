"""The signature formats: how a signature is put into a file, and where it shows on the page."""
