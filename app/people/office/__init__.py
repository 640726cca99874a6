"""The administrator's pages about people: who may sign in the commune's name."""
