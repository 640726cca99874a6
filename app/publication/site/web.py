"""The public page, without login and without cookie: list, act, file, feed."""

from collections.abc import Generator
from tempfile import TemporaryFile
from typing import Any

from flask import Blueprint, Response, current_app, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from app.core.db import reading
from app.core.http import PUBLIC, disposition, guard
from app.core.limits import limiter
from app.core.refusals import Refusal
from app.display.bytes import SHOWN
from app.files import vault
from app.files.store import CHUNK
from app.people.actor import system
from app.publication.alarm import report_altered, report_restored
from app.publication.models import PublicFile
from app.publication.site import acts
from app.publication.site.acts import Search

pages = Blueprint("site", __name__, url_prefix="/actes")
FRESH = "public, max-age=60"
"""A page or a file may be kept a minute: an act that is withdrawn is gone everywhere a minute later."""
FEED, LONGEST = 50, 200


def public_rate() -> str:
    """Pages and files that one address may ask."""
    return str(current_app.config["PARAPHE"].public_rate)


limiter.shared_limit(public_rate, scope="acts")(pages)


@pages.after_request
def _cacheable(response: Response) -> Response:
    """Let caches keep for a minute what was found, and nothing else."""
    if response.status_code in {200, 304}:
        response.headers["Cache-Control"] = FRESH
    return response


@pages.get("/<slug>")
@guard(PUBLIC)
def index(slug: str) -> str | BaseResponse:
    """The acts, newest first; the address of a page by its number, as they were, leads to the same page."""
    site, search = acts.site_of(slug), requested_search()
    number = request.args.get("page", 1, type=int)
    with reading(site.collectivity_id) as db:
        begins = acts.before_page(db, search, number) if number > 1 else None
        if begins is not None:
            return redirect(_at(slug, search, apres=begins))
        listing = acts.Listing((), 0, None, None) if number > 1 else acts.listing(db, search)
        years, natures = acts.choices(db)
    return render_template(
        "publication/site_index.html",
        site=site,
        listing=listing,
        search=search,
        years=years,
        natures=natures,
        previous_url=_at(slug, search, avant=listing.previous) if listing.previous else None,
        next_url=_at(slug, search, apres=listing.next) if listing.next else None,
    )


@pages.get("/<slug>/atom.xml")
@guard(PUBLIC)
def feed(slug: str) -> Response:
    """The last acts, for a feed reader (RFC 4287)."""
    site = acts.site_of(slug)
    with reading(site.collectivity_id) as db:
        rows = acts.latest(db, FEED)
    answer = make_response(render_template("publication/feed.xml", site=site, rows=rows, rooted=rooted))
    answer.mimetype = "application/atom+xml"
    return shared(answer)


@pages.get("/<slug>/<key>")
@guard(PUBLIC)
def act(slug: str, key: str) -> str:
    """One act: what it is, its files, until when, and what became of it."""
    site = acts.site_of(slug)
    with reading(site.collectivity_id) as db:
        view = acts.whole(db, acts.act_at(db, key))
    return render_template("publication/site_act.html", site=site, act=view)


@pages.get("/<slug>/<key>/<int:position>")
@guard(PUBLIC)
def file(slug: str, key: str, position: int) -> Response:
    """The bytes of a file online, verified before the first of them leaves."""
    site = acts.site_of(slug)
    with reading(site.collectivity_id) as db:
        file_row = acts.file_at(db, acts.act_at(db, key), position)
    response = Response(mimetype="application/octet-stream")
    response.set_etag(file_row.sha256)
    if request.if_none_match.contains(file_row.sha256):
        response.status_code = 304
        return response
    download = "telecharger" in request.args or file_row.media_type not in SHOWN
    pieces = _verified(site.collectivity_id, file_row)
    response.response = pieces
    response.call_on_close(pieces.close)
    if not download:
        response.mimetype = file_row.media_type
    response.headers["Content-Length"] = str(file_row.size)
    response.headers["Content-Disposition"] = disposition(file_row.filename, download=download)
    return response


def requested_search() -> Search:
    """The search of the address, cut to what a search is."""
    names = ("q", "annee", "nature", "apres", "avant")
    return Search(*(request.args.get(name, "")[:LONGEST] for name in names))


def shared(response: Response) -> Response:
    """Let the collectivity's own site read it from its pages: it is public, and no cookie is sent."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


def rooted(slug: str, key: str | None = None) -> str:
    """A whole address of the public page: a feed is read far from it."""
    public = str(current_app.config["PARAPHE"].public_url)
    path = (
        url_for("publication.site.act", slug=slug, key=key)
        if key
        else url_for("publication.site.index", slug=slug)
    )
    return public + path


def _verified(collectivity_id: int, file_row: PublicFile) -> Generator[bytes]:
    """The bytes, once all of them were checked; when they are not those published, nobody gets one, and it is told."""
    actor = system(collectivity_id)
    pieces = _copied(vault.scope(collectivity_id), file_row.sha256)
    try:
        next(pieces)
    except Refusal as refusal:
        if refusal.key in {"file-altered", "file-missing"}:
            report_altered(actor, file_row.id)
        raise Refusal("act-unavailable") from refusal
    if file_row.altered_at is not None:
        report_restored(actor, file_row.id)
    return pieces


def _copied(scope: str, sha256: str) -> Generator[bytes]:
    """Nothing once a verified copy is here, then the copy, which goes away with its reader."""
    with TemporaryFile(prefix="paraphe-public-") as copy:
        for piece in vault.store().stream(scope, sha256):
            copy.write(piece)
        copy.seek(0)
        yield b""
        yield from iter(lambda: copy.read(CHUNK), b"")


def _at(slug: str, search: Search, **place: Any) -> str:
    """The address of a page of the same search."""
    criteria: dict[str, Any] = {
        "q": search.text or None,
        "annee": search.year or None,
        "nature": search.nature or None,
    }
    return url_for("publication.site.index", slug=slug, **criteria, **place)
