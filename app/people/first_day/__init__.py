"""The first day of an installation: the link that opens it in the browser, and the page behind it."""
