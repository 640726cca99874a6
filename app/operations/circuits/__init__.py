"""Circuits in the browser: their steps as cards beside the picture, their versions, their text, and a run that sends nothing."""
