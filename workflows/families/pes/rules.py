"""What must be true of a flow of expenses or revenues beyond what every flow asks."""
