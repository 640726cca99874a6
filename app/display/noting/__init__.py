"""The notes of a folder: as its page, its slip and the API show them, and a route for each of their verbs."""
