"""Passwords that cost the least argon2 can, in the tests and in the servers that they start."""

from argon2 import PasswordHasher

LIGHT = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1)
