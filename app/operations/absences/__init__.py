"""Absences: who is away, who stands in, what that will stop, and the page where it is written."""
