"""A simulated Chorus Pro and its PISTE: invoices that do not exist, addressed to the commune, all marked FACTICE."""
