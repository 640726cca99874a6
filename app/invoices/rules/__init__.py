"""The published rules of e-invoices, EN 16931 and French ones, run on the data of an invoice and told as warnings."""
