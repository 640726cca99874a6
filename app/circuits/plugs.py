"""Where the names of types are answered: whoever asks for a family by its name in force is given the type.

And rights are told by the label of the type that they are for.
"""

from jinja2 import Environment

from app.circuits import own_types
from app.people import given
from config import Settings
from workflows.family import types_come_from


def plug(settings: Settings, templates: Environment) -> None:
    """Register, once for the process."""
    del settings, templates
    types_come_from(own_types.family_named)
    if own_types.called not in given.CALLED:
        given.CALLED.append(own_types.called)
