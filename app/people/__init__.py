"""Who is asking: people, desks, holders, sessions and the software that calls the API."""
