"""What a body may hold: JSON of a size, a depth and numbers that both databases keep alike (RFC 8259 §6 and §9)."""

import json
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any, Final

from app.core.refusals import Refusal
from app.core.texts import strange, texts_in

SMALL: Final = 1024 * 1024
"""Bytes of a body, where its route asks for no more."""
DEEPEST: Final = 32
MOST_VALUES: Final = 50_000
LARGEST_INTEGER: Final = 2**53 - 1
"""What every reader of JSON holds exactly, in either sign."""


class Incoming:
    """The body of a request as the server reads it; what it cannot make out is a refusal, never a crash (`body-broken`).

    A server reads chunks while the product asks for them (RFC 9112 §7.1), and raises errors of its own at a wrong one.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        """A way to read the stream, guarded."""
        read = getattr(self._stream, name)
        if not callable(read):
            return read

        @wraps(read)
        def guarded(*arguments: Any, **named: Any) -> Any:
            try:
                return read(*arguments, **named)
            except (OSError, ValueError):
                raise  # the framework knows these: the caller is gone
            except Exception as fault:
                raise Refusal("body-broken") from fault

        return guarded


def taken_in(served: Callable[..., Any]) -> Callable[..., Any]:
    """The same WSGI application, whose bodies are read through `Incoming`."""

    def serve(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        environ["wsgi.input"] = Incoming(environ["wsgi.input"])
        return served(environ, start_response)

    return serve


def parsed(data: bytes | str) -> Any:
    """A JSON text; refuses `json-invalid`, `json-repeated`, `text-unreadable`, and `json-bounds`.

    Bounds: NaN, 1e400, 1e-400, beyond 2^53, 33 levels, 50,000 values.
    """
    if data.count(b"," if isinstance(data, bytes) else ",") > MOST_VALUES:  # type: ignore[arg-type]
        raise Refusal("json-bounds")
    try:
        document = json.loads(
            data,
            parse_constant=_constant,
            parse_float=_float,
            parse_int=_integer,
            object_pairs_hook=_object,
        )
    except RecursionError:
        raise Refusal("json-bounds") from None
    except ValueError:
        raise Refusal("json-invalid") from None
    if _depth(document) > DEEPEST:
        raise Refusal("json-bounds")
    for text in texts_in(document):
        if sign := strange(text):
            raise Refusal("text-unreadable", sign=sign)
    return document


def _constant(_name: str) -> Any:
    raise Refusal("json-bounds")


def _float(digits: str) -> float:
    number = float(digits)
    lost = number == 0 and any(sign in "123456789" for sign in digits.lower().partition("e")[0])
    if lost or abs(number) > LARGEST_INTEGER:
        raise Refusal("json-bounds")
    return number


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose names are each there once: of two values, nobody could say which was meant (RFC 8259 §4)."""
    members = dict(pairs)
    if len(members) < len(pairs):
        raise Refusal("json-repeated")
    return members


def _integer(digits: str) -> int:
    if len(digits) > len(str(-LARGEST_INTEGER)) or abs(int(digits)) > LARGEST_INTEGER:
        raise Refusal("json-bounds")
    return int(digits)


def _depth(document: Any) -> int:
    """How many lists and objects are one inside the other."""
    level, depth = [document], 0
    while level := [node for node in level if isinstance(node, dict | list)]:
        level, depth = [inner for node in level for inner in _inside(node)], depth + 1
    return depth


def _inside(node: Any) -> Iterator[Any]:
    if isinstance(node, dict):
        yield from node.values()
    elif isinstance(node, list):
        yield from node
