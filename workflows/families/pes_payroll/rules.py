"""What must be true of a pay flow beyond what every flow asks."""
