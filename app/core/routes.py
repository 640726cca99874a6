"""The routes of the pages: how an address is written is compiled when it is first written, not when the process starts."""

from collections.abc import Callable
from functools import cache, partial

from werkzeug.routing import Rule


class Route(Rule):
    """A route of Flask's; it is matched, and its address written, as any other.

    Werkzeug compiles two functions for each route as soon as it is declared, a twenty-fifth of the start of a process
    that will write few of these addresses.
    """

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        compiled = cache(partial(super()._compile_builder, append_unknown))

        # By position: an address may well have a part that is called « rule »
        def build(rule: Rule, /, **values: object) -> tuple[str, str]:
            return compiled()(rule, **values)

        return build
