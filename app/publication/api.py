"""The public page as JSON, for the collectivity's own site and whoever reads its acts: no token, no cookie."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from flask import Response, url_for

from app.core.api import describe, door, open_doors
from app.core.db import reading
from app.core.http import PUBLIC, guard
from app.publication.site import acts
from app.publication.site.acts import ActView, Search
from app.publication.site.web import FRESH, rooted, shared

if TYPE_CHECKING:
    from app.publication.schemas import ActsQuery

Json = dict[str, Any]
routes = door("publication_api", __name__)


def mount(app: Any, csrf: Any) -> None:
    """Serve the public JSON."""
    open_doors(app, csrf, routes)


@routes.after_request
def _public(response: Response) -> Response:
    """Anybody's page may read it, and keep it a minute."""
    if response.status_code == 200:
        response.headers["Cache-Control"] = FRESH
    return shared(response)


@routes.get("/public/<slug>/acts")
@guard(PUBLIC)
@describe(
    "Lire les actes publiés d’une collectivité\nLe dernier mis en ligne d’abord, par pages de 25.",
    gives="ActsPage",
    query="ActsQuery",
    refuses=(404,),
)
def acts_page(slug: str, query: "ActsQuery") -> Json:
    """A page of acts."""
    site = acts.site_of(slug)
    search = Search(query.q, str(query.year or ""), query.nature, query.after)
    with reading(site.collectivity_id) as db:
        begins = acts.before_page(db, search, query.page) if query.page > 1 else None
        listing = acts.listing(db, replace(search, after=begins) if begins else search)
    criteria: Json = {"q": query.q or None, "year": query.year, "nature": query.nature or None}
    beyond = query.page > 1 and begins is None
    return {
        "collectivity": site.name,
        "count": listing.count,
        "acts": [] if beyond else [_shown(slug, act) for act in listing.acts],
        "next": url_for("publication_api.acts_page", slug=slug, **criteria, after=listing.next)
        if listing.next and not beyond
        else None,
    }


@routes.get("/public/<slug>/acts/<key>")
@guard(PUBLIC)
@describe(
    "Lire un acte publié : ses fichiers, sa durée en ligne, ses versions passées",
    gives="ActShown",
    refuses=(400,),
)
def act(slug: str, key: str) -> Json:
    """An act."""
    site = acts.site_of(slug)
    with reading(site.collectivity_id) as db:
        return _shown(slug, acts.whole(db, acts.act_at(db, key)))


def _shown(slug: str, act: ActView) -> Json:
    names = (
        "key",
        "number",
        "title",
        "nature",
        "matter",
        "matter_label",
        "decided_on",
        "published_on",
        "online_on",
    )
    more = ("online_until", "withdrawn_on", "withdrawal", "effect", "masked", "history")
    return {
        **{name: getattr(act, name) for name in (*names, *more)},
        "href": url_for("publication_api.act", slug=slug, key=act.key),
        "page": rooted(slug, act.key),
        "authors": [{"name": name, "capacity": capacity} for name, capacity in act.authors],
        "dates": [date.told for date in act.dates],
        "files": [
            {
                **{
                    name: getattr(file, name)
                    for name in ("title", "filename", "media_type", "size", "sha256")
                },
                "href": url_for("publication.site.file", slug=slug, key=act.key, position=file.position),
                "available": not file.altered,
            }
            for file in act.files
        ],
    }
