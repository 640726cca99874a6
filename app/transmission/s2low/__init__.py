"""S2LOW, the relay operator: one HTTPS client and one reading of its answers, for the channels that go through it."""
