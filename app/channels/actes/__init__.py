"""@CTES: acts leave for the Préfecture, and its receipts come back."""
