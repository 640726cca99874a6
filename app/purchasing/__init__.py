"""Orders after their signature: what was delivered of them, what is invoiced, and whether the three agree."""
