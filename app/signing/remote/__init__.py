"""Signing with a certificate kept by a trust service: linked by its owner, authorised for each signature, never ours."""
