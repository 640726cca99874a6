"""The trail: one hash-chained line for each event, in the transaction of the event."""
