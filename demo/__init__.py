"""The demonstration commune: Kerlann-sur-Mer, fictitious people, a test PKI, a mail catcher; never imported by the rest."""
