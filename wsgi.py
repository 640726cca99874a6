"""The door for the server and for `flask --app wsgi`."""

import gc
import os

# Whatever is made here, by the server or by a command, is for the account of Paraphe alone.
os.umask(0o077)
# What an application is made of lives as long as its process: the collector need not look for its end, now or later.
gc.disable()

from app import create_app  # noqa: E402

app = create_app()
gc.freeze()
gc.enable()
