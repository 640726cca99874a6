"""What every page and every JSON route share: the guard above it, and how a refusal is shown."""

import secrets
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, TypeVar
from urllib.parse import quote

import structlog
from flask import Flask, Response, g, jsonify, make_response, render_template, request, session, url_for
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.routing import IntegerConverter, Map
from werkzeug.wrappers import Response as BaseResponse

from app.core import logs, security_log, transaction
from app.core.bodies import SMALL, parsed
from app.core.db import LARGEST_KEY, unreachable
from app.core.french import spaces, taille
from app.core.refusals import OutcomeUnknown, Refusal, catalogue
from app.core.spreadsheet import FORMS, Cell
from app.core.texts import cleaned, strange

log = structlog.get_logger()
View = TypeVar("View", bound=Callable[..., Any])
PUBLIC, PERSON, BRANCH = "public", "person", "branch"
FILES, OWN = -1, -2
PROBLEM = "application/problem+json"

TITLES = {
    400: "La demande n’a pas pu être lue",
    401: "Il faut s’identifier",
    403: "Ce n’est pas à vous d’agir ici",
    404: "Cette page n’existe pas, ou ne vous est pas ouverte",
    405: "Cette action n’est pas possible ici",
    409: "Ce dossier a avancé",
    413: "Ce fichier est trop lourd",
    415: "Ce format n’est pas celui qui est attendu",
    422: "À corriger",
    429: "Trop d’essais",
    500: "Paraphe a rencontré une erreur",
    503: "Le serveur est occupé",
}
_CRASHED = {
    False: "Paraphe a rencontré une erreur. Rien n’a été enregistré.",
    True: "Paraphe a rencontré une erreur après avoir enregistré, au moins en partie. Regardez avant de recommencer.",
}
# Fields in which people write to people: what is in them is given back with a refusal.
_WORDS = (
    *("reason", "comment", "question", "word", "words", "value"),
    *("kept_for", "done", "motive", "who", "name"),
)
# In this order: a later browser also says the name of an earlier one.
_BROWSERS = (
    ("Edg/", "Edge"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPad", "iPadOS"),
    ("iPhone", "iOS"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)
_TITLES_BY_KEY = {
    "right-missing": "Votre compte n’a pas ce droit",
    "request-too-large": "Cette demande est trop longue",
    "too-many-pages": "Trop de demandes à la fois",
    "batch-factor": "La commune demande une double authentification",
    "outcome-unknown": "On ne sait pas si c’est enregistré",
    "unreachable": "La base de données ne répond pas",
    "identity-needed": "Il faut dire de nouveau qui vous êtes",
    "identity-whole": "Il faut dire de nouveau qui vous êtes",
    "identity-factor": "Il faut dire de nouveau qui vous êtes",
    "factor-due": "Inscrivez d’abord une double authentification",
    "not-an-order": "Ce dossier n’est pas un bon de commande",
    "form-spent": "Cette page a déjà servi",
    "form-undone": "Cette page a déjà servi",
    "form-overtaken": "Le document a changé depuis",
    "form-elsewhere": "Vous travaillez maintenant pour une autre collectivité",
    "membership-unknown": "Vous n’avez pas de compte ouvert là",
    "membership-there": "Vous avez déjà un compte dans cette collectivité",
}
# What 403 and 409 are about when it is no folder: the first word of the key says it.
_TITLES_BY_SUBJECT = {
    "certificate": "Ce certificat ne peut pas servir ainsi",
    "identity": "Cette réponse n’est pas la bonne",
    "factor": "La double authentification ne le permet pas",
    "passkey": "Cette clé d’accès ne convient pas",
    "reset": "Cette remise à zéro ne peut pas se faire ainsi",
    "mandate": "Ce mandat ne le permet pas",
    "application": "Cette application a changé",
    "account": "Ce compte ne le permet pas",
    "person": "Ce compte ne le permet pas",
    "administrator": "Ce compte ne le permet pas",
    "link": "Ce lien ne peut pas servir ainsi",
    "setup": "Cette page ne sert plus",
    "start": "Ce modèle ne peut pas être posé",
    "desk": "Ce bureau ne peut pas changer ainsi",
    "seats": "Ce bureau a changé",
    "absence": "Cette absence ne peut pas s’écrire ainsi",
    "cover": "Votre intérim ne le permet pas",
    "replacing": "Personne ne se remplace à cette étape",
    "handing": "Cette étape ne se confie pas",
    "passing": "Cette étape ne se passe pas",
}
NOT_LET_IN = frozenset({403, 404})
MOVED = "moved"
"""Where a browser's session keeps the name of the collectivity that it was moved to: a form of the former one says so."""
_KEYS = {400: "form-expired", 404: "not-found", 429: "too-many-tries"}


class RowNumber(IntegerConverter):
    """A number in an address: one that no row can have is a page that does not exist, on both databases alike."""

    def __init__(
        self,
        map: Map,  # noqa: A002 - the framework's names
        fixed_digits: int = 0,
        min: int | None = None,  # noqa: A002
        max: int | None = LARGEST_KEY,  # noqa: A002
    ) -> None:
        super().__init__(map, fixed_digits, min, max)


def refuse_strange() -> None:
    """Refuse a text that not every database and file can hold (`text-unreadable`), wherever in the request it is.

    Both databases would not refuse the same ones, nor at the same moment: here nothing has been done yet.
    """
    fields = (
        part
        for values in ((request.args, request.form) if _writes() else (request.args,))
        for name, several in values.lists()
        for part in (name, *several)
    )
    named = (value for value in (request.view_args or {}).values() if isinstance(value, str))
    for text in chain(named, fields, request.files if _writes() else ()):
        if sign := strange(text):
            raise Refusal("text-unreadable", sign=sign)
    if _writes() and request.is_json:
        try:
            read_json()
        except Refusal as refusal:
            if refusal.key == "text-unreadable":
                raise  # what cannot be read is refused by whoever expects it, if anybody does


def _writes() -> bool:
    """Whether the request may bring a body that is read at all."""
    return request.method not in {"GET", "HEAD", "OPTIONS"}


def read_json() -> Any:
    """The JSON that came, read once the guard has let the caller in; refuses as `app.core.bodies.parsed`."""
    return parsed(request.get_data())


def guard(
    who: str, *, body: int = SMALL, unprotected: bool = False, remedy: bool = False
) -> Callable[[View], View]:
    """Say who may call a route: `public`, `person`, `branch`, or the name of a right; exactly one for each route.

    `branch`: who administers the collectivity, or a branch of its desks; the route then looks at nothing outside it.

    `body`: bytes that it takes; `FILES` for the installation's upload limit, once the caller is let in; `OWN` for a
    slice that sets its limit itself before anything is read. The people slice enforces it before the view runs, and a
    route without one answers nobody. `unprotected`: also for whoever must have a second factor and has none yet.
    `remedy`: outside the pace of a person, for what ends the session of a thief who uses it up.
    """

    def mark(view: View) -> View:
        if hasattr(view, "__guard__"):
            raise ValueError(f"two guards on {view.__name__}")
        view.__guard__ = who  # type: ignore[attr-defined]
        view.__before_factor__ = unprotected  # type: ignore[attr-defined]
        view.__remedy__ = remedy  # type: ignore[attr-defined]
        if not hasattr(view, "__body__"):
            view.__body__ = body  # type: ignore[attr-defined]
        return view

    return mark


def wants_json() -> bool:
    """Whether the caller reads JSON: the API, or a script of a page."""
    return (
        request.path.startswith("/api/")
        or request.accept_mimetypes.best == "application/json"
        or request.is_json
    )


def _title(status: int, key: str) -> str:
    """The heading of a refusal, by its key where the status alone would name another subject."""
    subject = _TITLES_BY_SUBJECT.get(key.partition("-")[0]) if status in {403, 409} else None
    return _TITLES_BY_KEY.get(key) or subject or TITLES.get(status, "La demande est refusée")


def problem(status: int, key: str, detail: str, facts: Mapping[str, Any] | None = None) -> Response:
    """A refusal as RFC 9457 says it."""
    g.refused = key
    body = {
        "type": f"urn:paraphe:{key}",
        "title": _title(status, key),
        "status": status,
        "detail": detail,
        "key": key,
    }
    extra = {
        name: value for name, value in (facts or {}).items() if isinstance(value, str | int | list | bool)
    }
    response = jsonify({**extra, **body})
    response.status_code = status
    response.content_type = PROBLEM
    return response


def _written(status: int) -> str:
    """The words that came with what is refused, for a page other than the one where they were typed; no secret is there.

    A right that was taken away meanwhile loses nobody's words; of who is not let in, no body larger than a form's is read.
    """
    return _typed() if status in {409, 422} | NOT_LET_IN and may_give_back() else ""


def may_give_back() -> bool:
    """Whether the form that is refused is that of somebody who is logged in, and no longer than forms are."""
    return request.method == "POST" and bool(g.get("actor")) and (request.content_length or 0) <= SMALL


def _typed() -> str:
    """The words of a form that is refused."""
    try:
        form = request.form
    except Exception:  # noqa: BLE001 (a body that the verb had not read is too large, or cut: its refusal is told all the same)
        return ""
    return "\n".join(text for name in _WORDS if (text := form.get(name, "").strip()))


def answer(
    status: int, key: str, sentence: str, facts: Mapping[str, Any] | None = None, incident: str | None = None
) -> BaseResponse:
    """The refusal as the caller reads it: a page, or a problem in JSON, with the delay that it asks for."""
    response = (
        problem(status, key, sentence, facts)
        if wants_json()
        else _page(status, key, sentence, facts, incident)
    )
    response.headers.update(_delay(status, facts or {}))
    return response


def _page(
    status: int, key: str, sentence: str, facts: Mapping[str, Any] | None, incident: str | None
) -> BaseResponse:
    g.refused = key
    facts = {"kept": _written(status), **(facts or {})}
    title = str(facts.get("title") or _title(status, key))
    page = (
        "errors/refusal.html"
        if status not in {400, 403, 404, 409, 413, 429, 500}
        else f"errors/{status}.html"
    )
    return make_response(
        render_template(page, title=title, sentence=sentence, status=status, incident=incident, facts=facts),
        status,
    )


def _moved_away(status: int) -> Refusal | None:
    """Why a form is refused that was drawn before its browser was moved to another collectivity."""
    if status != 400 or request.method != "POST" or not session.get(MOVED):
        return None
    return Refusal("form-elsewhere", name=session[MOVED], kept=_typed())


def show_refusals(app: Flask) -> None:
    """Turn refusals and the framework's own errors into French sentences; a crash gets an incident number and no details."""

    def refused(error: Any) -> BaseResponse:
        status, sentence = catalogue.say(error.key, error.facts)
        return answer(status, error.key, sentence, error.facts)

    kinds: tuple[type[Exception], ...] = (Refusal, OutcomeUnknown)
    for kind in kinds:
        app.register_error_handler(kind, refused)

    @app.errorhandler(RequestEntityTooLarge)
    def _too_large(_error: RequestEntityTooLarge) -> BaseResponse:
        limit = request.max_content_length or 0
        key = "too-large" if request.mimetype == "multipart/form-data" else "request-too-large"
        return refused(Refusal(key, limit=taille(limit)))

    @app.errorhandler(HTTPException)
    def _http(error: HTTPException) -> BaseResponse:
        status = error.code or 500
        if status < 400:
            return error.get_response()
        if error.response is not None:
            return error.response  # type: ignore[return-value]
        if status in _KEYS:
            response = refused(_moved_away(status) or Refusal(_KEYS[status], wait=_wait(error)))
        else:
            title = spaces(TITLES.get(status, "La demande est refusée") + ".")
            response = answer(status, f"http-{status}", title)
        response.headers.update(_owed(error))
        return response

    @app.errorhandler(Exception)
    def _crash(error: Exception) -> BaseResponse:
        written = transaction.wrote()
        if unreachable(error):
            log.warning("database.unreachable", path=request.path, error=type(error).__name__)
            return refused(OutcomeUnknown() if written else Refusal("unreachable"))
        incident = f"{secrets.token_hex(2)}-{secrets.token_hex(1)}".upper()
        log.error("incident", exc_info=error, incident=incident, path=request.path, error=repr(error))
        return answer(500, "incident", f"{_CRASHED[written]} Incident {incident}", {}, incident)


def number_requests(app: Flask) -> None:
    """Give each request a number, in every line that it causes, in the outbox, in letters, and in its answer (`X-Request-Id`).

    It is always ours: a proxy passes on what its caller wrote, and two strangers would share a trace. The proxy writes the
    one of our answer in its own log.
    """

    @app.before_request
    def _begin() -> None:
        structlog.contextvars.bind_contextvars(request=logs.new_number())

    @app.after_request
    def _tell(response: BaseResponse) -> BaseResponse:
        response.headers["X-Request-Id"] = logs.request_number() or ""
        return response

    @app.teardown_request
    def _end(_error: BaseException | None) -> None:
        structlog.contextvars.unbind_contextvars("request")


def note_refusals(app: Flask) -> None:
    """Write in the security log who was refused what (ASVS 16.3.2, 16.3.3): a right, a folder, a form, a pace, a token.

    The door has lines of its own (`login.refused`).
    """

    @app.after_request
    def _note(response: BaseResponse) -> BaseResponse:
        key, closed = g.get("refused", ""), response.status_code in {401, 403, 429}
        if not closed and key not in {
            "not-found",
            "form-expired",
            "form-elsewhere",
            "from-elsewhere",
            "request-too-large",
        }:
            return response
        if request.endpoint in {None, "static", "people.login"}:
            return response
        who = g.get("actor")
        security_log.log.warning(
            "request.refused",
            what=request.endpoint,
            method=request.method,
            status=response.status_code,
            reason=key,
            user=getattr(who, "user_id", None),
            collectivity=getattr(who, "collectivity_id", None),
            folder=(request.view_args or {}).get("folder_id"),
            address=address(),
        )
        return response


def _wait(error: HTTPException) -> str:
    """How long a caller that was stopped waits at the most, in words: « une minute », « une heure », « un jour »."""
    pace = getattr(error, "limit", None)
    seconds = pace.limit.get_expiry() if pace is not None else 60
    for size, singular, word in (
        (86400, "un jour", "jours"),
        (3600, "une heure", "heures"),
        (60, "une minute", "minutes"),
    ):
        if seconds >= size:
            return singular if seconds < 2 * size else f"{seconds // size} {word}"
    return "une minute"


def _delay(status: int, facts: Mapping[str, Any]) -> dict[str, str]:
    """How long a refusal of ours asks to wait, where it says so."""
    return {"Retry-After": str(facts["seconds"])} if status == 429 and "seconds" in facts else {}


def _owed(error: HTTPException) -> dict[str, str]:
    """The headers that a status owes its caller: the methods of a 405, the delay of a 429 (RFC 9110, RFC 6585)."""
    pace = getattr(error, "limit", None)
    delay = {"Retry-After": str(pace.limit.get_expiry())} if pace is not None else {}
    return {**delay, **{name: value for name, value in error.get_headers() if name == "Allow"}}


def disposition(name: str, *, download: bool) -> str:
    """The Content-Disposition of a document, for a name of any script (RFC 6266, RFC 5987)."""
    # Whoever reads this one alone is given letters without their accents, and no word with holes
    plain = (
        unicodedata.normalize("NFKD", name)
        .encode("ascii", "ignore")
        .decode()
        .replace('"', "")
        .replace("\\", "")
        or "document"
    )
    return f"{'attachment' if download else 'inline'}; filename=\"{plain}\"; filename*=UTF-8''{quote(name)}"


def spreadsheet(name: str, form: str, head: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Response:
    """A table that is taken away, in one of `FORMS`: « csv » or « ods »; `name` is its file's, without the end."""
    media_type, write = FORMS[form]
    taken = Response(write(head, rows), mimetype=media_type)
    taken.headers["Content-Disposition"] = disposition(f"{name}.{form}", download=True)
    return taken


def addresses(endpoint: str, part: str) -> Callable[[int], str]:
    """The addresses of the rows of a list, by the number that is this part of each: one is written, the others differ by it."""
    before, after = url_for(endpoint, **{part: LARGEST_KEY}).split(str(LARGEST_KEY))  # type: ignore[arg-type]
    return lambda number: f"{before}{number}{after}"


def client() -> str:
    """The caller's browser for the list of sessions, « Firefox sous Windows »; at most 120 characters."""
    agent = cleaned(request.user_agent.string)
    browser = next((name for mark, name in _BROWSERS if mark in agent), agent[:120] or "navigateur inconnu")
    system = next((name for mark, name in _SYSTEMS if mark in agent), "")
    return f"{browser} sous {system}" if system else browser


def address() -> str:
    """The caller's address; behind a proxy, as many hops back as the configuration trusts."""
    return cleaned(request.remote_addr or "")  # a proxy may pass on what its caller wrote


def actor() -> Any:
    """Who is asking, put there by the guard; None on a public route."""
    return g.get("actor")
