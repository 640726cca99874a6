"""One gesture for many folders: each has its own transaction, its own result, and is acted on exactly once."""
