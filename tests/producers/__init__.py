"""PDF files as the producers that people have write them, made on the spot and taken from deposit to verdict."""
