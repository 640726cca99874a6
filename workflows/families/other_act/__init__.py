"""Any other act that goes to the Préfecture."""
