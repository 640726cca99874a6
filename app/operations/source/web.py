"""The page that offers the source, and the archive itself (GNU AGPL, version 3, section 13)."""

from flask import Blueprint, Response, abort, current_app, render_template, send_file

from app.core import version
from app.core.http import PUBLIC, guard
from app.core.limits import limiter
from app.operations.source.archive import archive

pages = Blueprint("source", __name__)
RATE = "10 per minute"  # some megabytes each


@pages.get("/code-source")
@guard(PUBLIC)
def offered() -> str:
    """Under which licence Paraphe is given, which version runs here, and where its source is."""
    return render_template(
        "operations/source.html",
        version=version.public_version(),
        elsewhere=current_app.config["PARAPHE"].source_url,
    )


@pages.get("/code-source/paraphe-<release>.tar.gz")
@guard(PUBLIC)
@limiter.limit(RATE)
def taken(release: str) -> Response:
    """The source of what runs here, of this version and of no other."""
    if release != version.public_version():
        abort(404)
    return send_file(archive(current_app.config["PARAPHE"].data_dir / "source"), as_attachment=True)
