"""Any other document to sign, as the very file that was deposited."""
