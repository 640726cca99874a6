"""CMS signatures (CAdES, .p7s) and what they say of themselves."""
