"""What one takes away of folders: the slip on paper and as a PDF, a folder or a list as one file, a list as a table."""
