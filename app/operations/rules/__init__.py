"""The rules that say which circuit a folder takes, in the browser: rows in order, what is never reached, real folders counted."""
