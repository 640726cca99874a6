"""Running the house: is it alive, is it ready, what is stuck, and one command to start it."""
