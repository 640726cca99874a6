"""The public page, which asks for no account: acts, their files, feed and JSON."""
