"""What the signatures of a file say, format by format: read strictly, and judged elsewhere."""
