"""Is this signature good: the readers of every signed file, the verdicts, and the pages that give them to anybody."""
