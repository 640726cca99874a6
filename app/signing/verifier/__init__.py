"""Pages that judge signatures: any file from anybody, and the documents of a folder."""
