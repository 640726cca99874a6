"""The register of invoices: what came in, when its delay began and ends, who decided what, and the delays by month."""
