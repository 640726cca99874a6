"""The administrator's pages about certificates: whose, for what, until when."""
