"""ASiC containers: the signatures in a ZIP, and whether every byte of it is accounted for."""
