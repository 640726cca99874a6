"""The ground: database, transaction, outbox, jobs, clock, security and typography; it knows no folder."""
