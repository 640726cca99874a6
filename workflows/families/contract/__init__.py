"""Contracts, conventions and their amendments, signed on a qualified certificate."""
