"""What every accounting flow shares: its fields, its signature and its rules, which a family takes by `base: flows`."""
