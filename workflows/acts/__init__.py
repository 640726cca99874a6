"""What every act of a collectivity shares: its fields, its formats and its rules, which a family takes by `base: acts`."""
