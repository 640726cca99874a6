"""The token of forms, written in each page under a mask drawn anew: pages are compressed, and a size must tell nothing of it."""

from binascii import Error

from flask import Flask, g
from flask_wtf.csrf import CSRFProtect, generate_csrf

from app.core.security import masked, unmasked


class Masked(CSRFProtect):  # type: ignore[misc]
    """Flask-WTF's check of a form, whose token comes under a mask, or bare as a page of a former version wrote it."""

    def _get_csrf_token(self) -> str | None:
        token: str | None = super()._get_csrf_token()
        try:
            return unmasked(token).decode("ascii") if token else token
        except (Error, ValueError):
            return token


def token() -> str:
    """The token of the forms of this answer; each answer has its own, and all are good as long as the session is."""
    if "masked_token" not in g:
        g.masked_token = masked(generate_csrf().encode("ascii"))
    written: str = g.masked_token
    return written


def mask_tokens(app: Flask) -> None:
    """Let every template write the masked token."""
    app.jinja_env.globals["csrf_token"] = token

    @app.context_processor
    def _context() -> dict[str, object]:
        return {"csrf_token": token}
