"""What the doctor finds, kept by the worker for the page of the administrators and for the figures."""
