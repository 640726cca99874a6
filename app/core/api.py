"""The one description of the JSON API: OpenAPI 3.1, made from the routes themselves."""

from typing import Any

from flask_smorest import Api

api = Api()


def open_api(app: Any) -> None:
    """Describe the API at /api/v1/openapi.json; the description is public, what it describes is not."""
    app.config.setdefault("OPENAPI_URL_PREFIX", "/api/v1")
    app.config.setdefault("OPENAPI_JSON_PATH", "openapi.json")
    api.init_app(app)
    scheme = {
        "type": "http",
        "scheme": "bearer",
        "description": "Le jeton d’une application, donné par l’administrateur.",
    }
    api.spec.components.security_scheme("jeton", scheme)
    api.spec.options["security"] = [{"jeton": []}]
    app.view_functions["api-docs.openapi_json"].__dict__["__guard__"] = "public"
