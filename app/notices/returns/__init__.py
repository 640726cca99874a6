"""Letters that come back: the mark that each bears, the report that names it (RFC 3464), the mailbox where reports arrive."""
