"""The pages of help: that of one page, and the list of them all; the same help stands in the dialog of each page."""

from flask import Blueprint, render_template, request

from app.core.http import guard
from app.core.refusals import Refusal
from app.operations.guidance.contents import topic_of, topics

pages = Blueprint("guidance", __name__)


@pages.get("/aide")
@guard("person", unprotected=True)
def index() -> str:
    """Every topic of help."""
    return render_template("operations/help.html", topic=None, topics=topics().values())


@pages.get("/aide/<key>")
@guard("person", unprotected=True)
def topic(key: str) -> str:
    """The help of one page, as a page of its own: for who has no script, or opens it beside. Refuses `not-found`."""
    one = topics().get(key)
    if one is None:
        raise Refusal("not-found")
    return render_template("operations/help.html", topic=one, topics=topics().values())


@pages.app_context_processor
def _help() -> dict[str, object]:
    """What the header of a page leads to."""
    return {"help_here": lambda: topic_of(request.endpoint or "")}
