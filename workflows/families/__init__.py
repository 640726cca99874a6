"""The document families, one folder each: `family.yaml` says what is asked, `rules.py` what is checked."""
