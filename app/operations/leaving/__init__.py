"""Somebody leaves: what stops once his account is closed, what solves it, and the closing, now or at a date."""
