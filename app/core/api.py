"""The JSON door: what a route takes and gives is said once above it, checked at each call, and printed as OpenAPI 3.1.

marshmallow and flask-smorest are imported at the first call, so that starting the web stays light.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from hashlib import sha256
from importlib import import_module
from typing import Any, TypeVar

from flask import Blueprint, Flask, Response, current_app, jsonify, request
from werkzeug.exceptions import UnsupportedMediaType

from app.core.bodies import SMALL
from app.core.http import FILES, PERSON, PROBLEM, PUBLIC, TITLES, address, guard, read_json
from app.core.limits import limiter
from app.core.refusals import to_correct

View = TypeVar("View", bound=Callable[..., Any])
PREFIX = "/api/v1"
BYTES = "application/octet-stream"
BODIES = {"json": "application/json", "files": "multipart/form-data"}
ABOUT = """Les verbes des pages, pour un autre logiciel : déposer, envoyer, lire, viser, rejeter, télécharger.

Chaque appel, sauf sous `/public`, porte le jeton d’une application (`Authorization: Bearer …`) ; aucun cookie n’est lu.
L’application agit pour un bureau, avec les droits que l’administrateur lui a donnés. Elle ne signe jamais : une signature
est l’acte d’une personne. Les refus sont des problèmes RFC 9457 (`application/problem+json`) : `key` est stable, `detail`
est la phrase à montrer, `problems` énumère tout ce qui est à corriger. Une décision porte la `version` du dossier qui a
été lue ; si le dossier a avancé depuis, elle est refusée (409)."""


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


def describe(
    summary: str,
    *,
    gives: str | None = None,
    status: int = 200,
    refuses: tuple[int, ...] = (),
    example: Mapping[str, Any] | None = None,
    **takes: str,
) -> Callable[[View], View]:
    """Say what a view takes and gives; it is called with what was checked, and what it returns is written as promised.

    `takes` names a schema for each of `query`, `headers`, `json` or `files` (a multipart form); the view receives each
    under that name. A view returns its facts, or (facts, headers), or a response that is sent as it is.
    """

    def wrap(view: View) -> View:
        owner = view.__module__.rpartition(".")[0]
        operation = Operation(summary, owner, takes, gives, status, refuses, example)

        @wraps(view)
        def run(**values: Any) -> Any:
            checked = {place: _checked(operation, place) for place in takes}
            return _written(operation, view(**values, **checked))

        run.__operation__ = operation  # type: ignore[attr-defined]
        run.__body__ = FILES if "files" in takes else SMALL  # type: ignore[attr-defined]
        return run  # type: ignore[return-value]

    return wrap


def _taken(operation: Operation, place: str) -> Any:
    """The schema of what is sent, from the slice's `schemas`."""
    return getattr(import_module(f"{operation.slice}.schemas"), operation.takes[place])()


def _given(operation: Operation, name: str) -> Any:
    """The schema of what is answered, from the slice's `shapes`."""
    return getattr(import_module(f"{operation.slice}.shapes"), name)()


def _checked(operation: Operation, place: str) -> Any:
    """What was sent, checked; refuses `fields-invalid` with every fault at once."""
    from marshmallow import ValidationError

    schema = _taken(operation, place)
    try:
        return schema.load(_sent(schema, place))
    except ValidationError as error:
        raise to_correct(list(_faults(error.messages_dict))) from None


def _sent(schema: Any, place: str) -> Any:
    if place == "query":
        return request.args.to_dict()
    if place == "headers":
        names = [one.data_key or name for name, one in schema.fields.items()]
        return {name: request.headers[name] for name in names if name in request.headers}
    if request.mimetype != BODIES[place]:
        raise UnsupportedMediaType
    if place == "json":
        return read_json()
    several = {name for name, one in schema.fields.items() if hasattr(one, "inner")}
    files = {
        name: found if name in several or len(found) > 1 else found[0]
        for name, found in request.files.lists()
    }
    texts = {name: found if name in several else found[0] for name, found in request.form.lists()}
    return {**texts, **files}


def _faults(found: Any, path: str = "") -> Any:
    """Each fault with the field it is about (`facts.seller`), whatever its depth."""
    if isinstance(found, dict):
        for name, inner in found.items():
            own = name in {"_schema", "key", "value"}  # marshmallow's words for the thing itself
            yield from _faults(inner, path if own else f"{path}.{name}" if path else str(name))
    else:
        for one in found if isinstance(found, list) else [found]:
            yield {"key": "field-invalid", "field": path or "demande", "sentence": str(one)}


def _written(operation: Operation, result: Any) -> Response:
    if isinstance(result, Response):
        return result
    facts, headers = result if isinstance(result, tuple) else (result, {})
    shown = _given(operation, operation.gives).dump(facts) if operation.gives else facts
    response = jsonify(shown)
    response.status_code = operation.status
    response.headers.update(headers)
    return response


def caller() -> str:
    """Whose calls are counted together: a token's (never kept itself), or an address's."""
    given = request.headers.get("Authorization", "")
    return sha256(given.encode()).hexdigest() if given else address() or "nobody"


def door(name: str, module: str) -> Blueprint:
    """The routes of a slice under /api/v1, at the pace that one token may have for all of them."""
    routes = Blueprint(name, module, url_prefix=PREFIX)
    limiter.shared_limit(lambda: str(current_app.config["API_RATE"]), scope="api", key_func=caller)(routes)
    return routes


def open_doors(app: Flask, csrf: Any, *doors: Blueprint) -> None:
    """Serve these routes and their description; they read no cookie, so no forged form can reach them."""
    for one in (*doors, docs):
        if (
            one.name not in app.blueprints
        ):  # each slice brings its doors, the description comes with the first
            app.register_blueprint(one)
            csrf.exempt(one)


docs = door("api-docs", __name__)


@docs.get("/openapi.json")
@guard(PUBLIC)
def openapi_json() -> Response:
    """The description of the API, made once for the process."""
    made: Response = jsonify(description(current_app))
    made.headers["Cache-Control"] = "public, max-age=300"
    return made


def description(app: Flask) -> dict[str, Any]:
    """The OpenAPI document of every described route of the application."""
    kept: dict[str, Any] = app.extensions.setdefault("paraphe-openapi", {})
    if not kept:
        kept.update(_document(app))
    return kept


def _document(app: Flask) -> dict[str, Any]:
    """Let flask-smorest write it, on an application that serves nothing."""
    from flask_smorest import Api
    from flask_smorest import Blueprint as Described

    shadow = Flask("paraphe-openapi")
    names = ("API_TITLE", "API_VERSION", "OPENAPI_VERSION")
    shadow.config.update({name: app.config[name] for name in names})
    options = {"info": {"description": ABOUT}, "servers": [{"url": "/"}], "security": [{"jeton": []}]}
    api = Api(shadow, spec_kwargs=options)
    api.DEFAULT_ERROR_RESPONSE_NAME = None  # every refusal is named, none is a surprise
    scheme = {"type": "http", "scheme": "bearer", "description": "Le jeton d’une application."}
    api.spec.components.security_scheme("jeton", scheme)
    routes = Described("dossiers", __name__)
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        operation = getattr(view, "__operation__", None)
        if operation is not None:
            method = next(iter((rule.methods or set()) - {"HEAD", "OPTIONS"}))
            endpoint = rule.endpoint.partition(".")[2]
            paths = import_module(f"{operation.slice}.shapes").PATHS
            named = [{"in": "path", "name": one, "description": paths[one]} for one in sorted(rule.arguments)]
            written = _described(
                routes, operation, rule.arguments, endpoint, getattr(view, "__guard__", PERSON)
            )
            routes.add_url_rule(rule.rule, endpoint, written, parameters=named, methods=[method])
    api.register_blueprint(routes)
    document: dict[str, Any] = api.spec.to_dict()
    for unused in ("Error", "PaginationMetadata"):  # flask-smorest's own shapes, which no route speaks
        document["components"]["schemas"].pop(unused, None)
    document["components"].pop("headers", None)
    return document


def _described(routes: Any, operation: Operation, arguments: set[str], endpoint: str, who: str) -> Any:
    """A view that does nothing, with the words of a real one."""

    def written() -> None:
        return None

    summary, _, more = operation.summary.partition("\n")
    words: dict[str, Any] = {
        "operationId": endpoint,
        "summary": summary,
        "description": more.strip() or summary,
    }
    public = who == PUBLIC
    if public:
        words["description"] += "\n\nOuvert à tous, sans jeton."
        words["security"] = []
    elif who != PERSON:
        words["description"] += f"\n\nDroit nécessaire au bureau : `{who}`."
    view = routes.doc(**words)(written)
    refused = {429, 503, *operation.refuses, *(() if public else (401,))}
    refused |= {403} if who not in {PERSON, PUBLIC} else set()
    refused |= ({404} if public else {404, 403}) if arguments else set()
    refused |= {400, 422} if operation.takes else set()
    refused |= {413, 415} if BODIES.keys() & operation.takes.keys() else set()
    for status in sorted(refused):
        told = {"content_type": PROBLEM, "description": f"{TITLES[status]}."}
        problem = _given(operation, "Problem")
        view = routes.alt_response(status, schema=problem, **told)(view)
    given = _given(operation, operation.gives) if operation.gives else {"type": "string", "format": "binary"}
    media = None if operation.gives else BYTES
    view = routes.response(operation.status, given, content_type=media, description="Fait.")(view)
    for place in operation.takes:
        example = operation.example if place == "json" else None
        view = routes.arguments(_taken(operation, place), location=place, example=example)(view)
    return view
