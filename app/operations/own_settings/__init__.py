"""The settings of a collectivity in the browser and by command: values, where they come from, trials."""
