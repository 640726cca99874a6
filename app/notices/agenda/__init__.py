"""One's deadlines and absences in one's own calendar: a secret address that a calendar reads again and again (RFC 5545)."""
