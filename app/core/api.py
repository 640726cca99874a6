"""The JSON door: what a route takes and gives is said once above it, checked at each call, and printed as OpenAPI 3.1.

The models are built at the first call, so that starting the web stays light (docs/decisions/0026-json-by-one-stack.md).
"""

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from functools import wraps
from hashlib import sha256
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar, get_origin

from flask import Blueprint, Flask, Response, current_app, jsonify, request
from werkzeug.exceptions import UnsupportedMediaType

from app.core.bodies import SMALL
from app.core.http import FILES, PUBLIC, address, guard, read_json
from app.core.limits import limiter
from app.core.refusals import to_correct

if TYPE_CHECKING:
    from pydantic import BaseModel
    from werkzeug.datastructures import MultiDict

View = TypeVar("View", bound=Callable[..., Any])
PREFIX = "/api/v1"
BODIES = {"json": "application/json", "files": "multipart/form-data"}


@dataclass(frozen=True)
class Operation:
    """What a route promises: what it takes and gives, by name in the slice's `schemas` and `shapes`; what it may refuse."""

    summary: str
    slice: str
    takes: Mapping[str, str]
    gives: str | None
    status: int
    refuses: tuple[int, ...]
    example: Mapping[str, Any] | None
    file: str
    """The media type of what it gives, where that is a file (`gives` is None)."""

    def request_model(self, place: str) -> type["BaseModel"]:
        """The model of what is sent in a place, from the slice's `schemas`."""
        model: type[BaseModel] = getattr(import_module(f"{self.slice}.schemas"), self.takes[place])
        return model

    def answer_model(self, name: str) -> type["BaseModel"]:
        """The model of what is answered, from the slice's `shapes`."""
        model: type[BaseModel] = getattr(import_module(f"{self.slice}.shapes"), name)
        return model

    def path(self, name: str) -> str:
        """What a part of the address is, from the slice's `shapes`."""
        paths: dict[str, str] = import_module(f"{self.slice}.shapes").PATHS
        return paths[name]


def describe(
    summary: str,
    *,
    gives: str | None = None,
    status: int = 200,
    refuses: tuple[int, ...] = (),
    example: Mapping[str, Any] | None = None,
    file: str = "application/octet-stream",
    **takes: str,
) -> Callable[[View], View]:
    """Say what a view takes and gives; it is called with what was checked, and what it returns is written as promised.

    `takes` names a schema for each of `query`, `headers`, `json` or `files` (a multipart form); the view receives each
    under that name. A view returns its facts, or (facts, headers), or a response that is sent as it is.
    """

    def wrap(view: View) -> View:
        owner = view.__module__.rpartition(".")[0]
        operation = Operation(summary, owner, takes, gives, status, refuses, example, file)

        @wraps(view)
        def run(**values: Any) -> Any:
            checked = {place: _checked(operation, place) for place in takes}
            return _written(operation, view(**values, **checked))

        run.__operation__ = operation  # type: ignore[attr-defined]
        run.__body__ = FILES if "files" in takes else SMALL  # type: ignore[attr-defined]
        return run  # type: ignore[return-value]

    return wrap


def _checked(operation: Operation, place: str) -> Any:
    """What was sent, checked; refuses `fields-invalid` with every fault at once."""
    from pydantic import ValidationError

    from app.core.shapes import faults

    model = operation.request_model(place)
    try:
        return model.model_validate(_sent(model, place))
    except ValidationError as error:
        raise to_correct(list(faults(error))) from None


def _sent(model: type["BaseModel"], place: str) -> Any:
    if place == "query":
        return _once(request.args)
    if place == "headers":
        names = [field.alias or name for name, field in model.model_fields.items()]
        return {name: request.headers[name] for name in names if name in request.headers}
    if request.mimetype != BODIES[place]:
        raise UnsupportedMediaType
    if place == "json":
        return read_json()
    several = {name for name, field in model.model_fields.items() if get_origin(field.annotation) is list}
    files = {
        name: uploads if name in several or len(uploads) > 1 else uploads[0]
        for name, uploads in request.files.lists()
    }
    texts = {name: values for name, values in request.form.lists() if name in several}
    return {**_once(request.form, texts), **texts, **files}


def _once(sent: "MultiDict[str, str]", several: Container[str] = ()) -> dict[str, str]:
    """Each name with its one value; refuses `fields-invalid` of a name that is there twice, where one is expected."""
    names = [(name, values) for name, values in sent.lists() if name not in several]
    twice = [name for name, values in names if len(values) > 1]
    if twice:
        sentence = "Ce champ n’est attendu qu’une fois."
        raise to_correct([{"key": "field-repeated", "field": name, "sentence": sentence} for name in twice])
    return {name: values[0] for name, values in names}


def _written(operation: Operation, result: Any) -> Response:
    if isinstance(result, Response):
        return result
    facts, headers = result if isinstance(result, tuple) else (result, {})
    shown = operation.answer_model(operation.gives).model_validate(facts) if operation.gives else None
    response = jsonify(facts if shown is None else shown.model_dump(mode="json"))
    response.status_code = operation.status
    response.headers.update(headers)
    return response


def caller() -> str:
    """Whose calls are counted together: a token's (never kept itself), or an address's."""
    authorization = request.headers.get("Authorization", "")
    return sha256(authorization.encode()).hexdigest() if authorization else address() or "nobody"


def door(name: str, module: str) -> Blueprint:
    """The routes of a slice under /api/v1, at the pace that one token may have for all of them."""
    routes = Blueprint(name, module, url_prefix=PREFIX)
    limiter.shared_limit(lambda: str(current_app.config["API_RATE"]), scope="api", key_func=caller)(routes)
    return routes


def open_doors(app: Flask, csrf: Any, *doors: Blueprint) -> None:
    """Serve these routes and their description; they read no cookie, so no forged form can reach them."""
    for routes in (*doors, docs):
        if (
            routes.name not in app.blueprints
        ):  # each slice brings its doors, the description comes with the first
            app.register_blueprint(routes)
            csrf.exempt(routes)


docs = door("api-docs", __name__)


@docs.get("/openapi.json")
@guard(PUBLIC)
def openapi_json() -> Response:
    """The description of the API, made once for the process."""
    response: Response = jsonify(description(current_app))
    response.headers["Cache-Control"] = "public, max-age=300"
    return response


def description(app: Flask) -> dict[str, Any]:
    """The OpenAPI document of every described route of the application."""
    openapi: dict[str, Any] = app.extensions.setdefault("paraphe-openapi", {})
    if not openapi:
        from app.core.openapi import document

        openapi.update(document(app))
    return openapi
