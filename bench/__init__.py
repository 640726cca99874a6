"""The speed goals of the project, one script each; `python -m bench` measures them all and writes results.json."""
