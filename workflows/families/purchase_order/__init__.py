"""Purchase orders: what the commune orders, line by line, before anything is delivered or invoiced."""
