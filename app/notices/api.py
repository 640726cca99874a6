"""The link that stops the letters of what waits: a page that asks, and the click, which a mailbox sends without a session."""

from typing import Any

from flask import Blueprint, render_template, request

from app.core.http import PUBLIC, guard
from app.notices import stopping

routes = Blueprint("notices_link", __name__)


def mount(app: Any, csrf: Any) -> None:
    """Serve it; the secret of the link stands for the token of a form, which no mailbox has."""
    csrf.exempt(routes)
    app.register_blueprint(routes)


@routes.get(stopping.PAGE)
@guard(PUBLIC)
def ask() -> str:
    """The button: what follows the links of a letter, to see whether they are safe, stops nothing."""
    secret = request.args.get(stopping.QUERY, "")
    stopping.refuse_unknown(secret)
    return _page(secret, stopped=False)


@routes.post(stopping.PAGE)
@guard(PUBLIC)
def stop() -> str:
    """The click, in a mailbox or on the page; the same answer whatever became of the account."""
    secret = request.args.get(stopping.QUERY, "")
    stopping.stop(secret)
    return _page(secret, stopped=True)


def _page(secret: str, *, stopped: bool) -> str:
    return render_template(
        "notices/stop.html",
        stopped=stopped,
        secret={stopping.QUERY: secret},
        one_click=stopping.ONE_CLICK,
    )
