"""The law of movement: knows what a folder may do next; knows no web, no database, no clock.

Read `circuit` first (what a circuit is), then `engine` (how a folder advances), then a folder of `families`.
"""

from workflows.circuit import Circuit
from workflows.engine import Action, Moved, Standing, advance, choices
from workflows.errors import Refusal
from workflows.loader import load

__all__ = ["Action", "Circuit", "Moved", "Refusal", "Standing", "advance", "choices", "load"]
