"""The API described as OpenAPI 3.1, from what stands above each route and the models of what it takes and gives.

Imported at the first reading of the description.
"""

import re
from collections.abc import Iterator
from typing import Any

from flask import Flask
from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema
from werkzeug.routing import Rule

from app.core.api import BODIES, Operation
from app.core.db import LARGEST_KEY
from app.core.http import PERSON, PROBLEM, PUBLIC, TITLES

Json = dict[str, Any]
REFERENCE = "#/components/schemas/{model}"
BYTES = {"schema": {"type": "string", "format": "binary"}}
ABOUT = """Les verbes des pages, pour un autre logiciel : déposer, envoyer, lire, viser, rejeter, télécharger.

Chaque appel, sauf sous `/public`, porte le jeton d’une application (`Authorization: Bearer …`) ; aucun cookie n’est lu.
L’application agit pour un bureau, avec les droits que l’administrateur lui a donnés. Elle ne signe jamais : une signature
est l’acte d’une personne. Les refus sont des problèmes RFC 9457 (`application/problem+json`) : `key` est stable, `detail`
est la phrase à montrer, `problems` énumère tout ce qui est à corriger. Une décision porte la `version` du dossier qui a
été lue ; si le dossier a avancé depuis, elle est refusée (409)."""
TAG = "dossiers"


class Printed(GenerateJsonSchema):
    """What pydantic prints, without the titles and docstrings of our code, which nobody outside reads."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Never: a field has its description."""
        del schema
        return False

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        """Print the fields of a model; its docstring is English, for who changes it."""
        return {k: v for k, v in super().model_schema(schema).items() if k not in {"title", "description"}}

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        """Print « text or null » as one type of two names, which every reader of OpenAPI 3.1 takes."""
        inner = self.generate_inner(schema["schema"])
        if "type" in inner:
            return {**inner, "type": [inner["type"], "null"]}
        return {"anyOf": [inner, {"type": "null"}]}

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Print what stands for a name that is not sent, when it is something."""
        shown = super().default_schema(schema)
        return {name: value for name, value in shown.items() if (name, value) != ("default", None)}


class PrintedText(Printed):
    """The same for a query, headers or a form, where nothing can be null."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        """Print what stands there when it is sent."""
        return self.generate_inner(schema["schema"])


def document(app: Flask) -> Json:
    """The OpenAPI document of every described route of the application."""
    paths: dict[str, Json] = {}
    shapes: dict[str, Json] = {}
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        operation = getattr(view, "__operation__", None)
        if operation is None:
            continue
        item = paths.setdefault(re.sub(r"<(?:[^:>]+:)?(\w+)>", r"{\1}", rule.rule), {})
        if rule.arguments:
            item["parameters"] = list(_path_parameters(rule, operation))
        method = next(iter((rule.methods or set()) - {"HEAD", "OPTIONS"}))
        item[method.lower()] = _operation(rule, operation, getattr(view, "__guard__", PERSON))
        shapes |= _shapes(operation)
    return {
        "openapi": app.config["OPENAPI_VERSION"],
        "info": {
            "title": app.config["API_TITLE"],
            "version": app.config["API_VERSION"],
            "description": ABOUT,
        },
        "servers": [{"url": "/"}],
        "security": [{"jeton": []}],
        "tags": [{"name": TAG, "description": ""}],
        "paths": paths,
        "components": {
            "schemas": shapes,
            "securitySchemes": {
                "jeton": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "Le jeton d’une application.",
                }
            },
        },
    }


def _path_parameters(rule: Rule, operation: Operation) -> Iterator[Json]:
    kinds = {name: kind for kind, name in re.findall(r"<(?:([^:>]+):)?(\w+)>", rule.rule)}
    whole = {"type": "integer", "minimum": 0, "maximum": LARGEST_KEY}
    for name in sorted(rule.arguments):
        kind = whole if kinds[name].startswith("int") else {"type": "string", "minLength": 1}
        yield {
            "in": "path",
            "name": name,
            "required": True,
            "description": operation.path(name),
            "schema": kind,
        }


def _operation(rule: Rule, operation: Operation, who: str) -> Json:
    summary, _, more = operation.summary.partition("\n")
    entry: Json = {
        "tags": [TAG],
        "operationId": rule.endpoint.partition(".")[2],
        "summary": summary,
        "description": more.strip() or summary,
        "responses": _responses(operation, who, numbered=bool(rule.arguments)),
    }
    if who == PUBLIC:
        entry["description"] += "\n\nOuvert à tous, sans jeton."
        entry["security"] = []
    elif who != PERSON:
        entry["description"] += f"\n\nDroit nécessaire au bureau : `{who}`."
    for place in operation.takes:
        if place in BODIES:
            content: Json = {"schema": {"$ref": REFERENCE.format(model=operation.takes[place])}}
            if place == "json" and operation.example:
                content["example"] = operation.example
            entry["requestBody"] = {"required": True, "content": {BODIES[place]: content}}
        else:
            entry["parameters"] = list(_parameters(operation.request_model(place), place.removesuffix("s")))
    return entry


def _parameters(model: type[BaseModel], place: str) -> Iterator[Json]:
    """The fields of a query or of headers, each a parameter."""
    printed = model.model_json_schema(schema_generator=PrintedText)
    for name, field in printed["properties"].items():
        yield {
            "in": place,
            "name": name,
            "required": name in printed.get("required", ()),
            "description": field.pop("description"),
            "schema": field,
        }


def _responses(operation: Operation, who: str, *, numbered: bool) -> Json:
    public = who == PUBLIC
    refused = {429, 503, *operation.refuses, *(() if public else (401,))}
    refused |= {403} if who not in {PERSON, PUBLIC} else set()
    refused |= ({404} if public else {404, 403}) if numbered else set()
    refused |= {400, 422} if operation.takes else set()
    refused |= {413, 415} if BODIES.keys() & operation.takes.keys() else set()
    problem = {PROBLEM: {"schema": {"$ref": REFERENCE.format(model="Problem")}}}
    done = {"application/json": {"schema": {"$ref": REFERENCE.format(model=operation.gives)}}}
    return {
        str(operation.status): {
            "description": "Fait.",
            "content": done if operation.gives else {operation.file: BYTES},
        },
        **{
            str(status): {"description": f"{TITLES[status]}.", "content": problem}
            for status in sorted(refused)
        },
    }


def _shapes(operation: Operation) -> Json:
    """The models of its bodies, by name, with those inside them."""
    shapes: Json = {}
    for name in (operation.gives, "Problem"):
        if name:
            shapes |= _printed(operation.answer_model(name), "serialization", Printed)
    for place in operation.takes:
        if place in BODIES:
            printer = PrintedText if place == "files" else Printed
            shapes |= _printed(operation.request_model(place), "validation", printer)
    return shapes


def _printed(model: type[BaseModel], mode: JsonSchemaMode, printer: type[Printed]) -> Json:
    _, printed = models_json_schema([(model, mode)], schema_generator=printer, ref_template=REFERENCE)
    shapes: Json = printed["$defs"]
    return shapes
