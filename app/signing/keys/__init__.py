"""The key providers: one file for each place where a private key may live."""
