"""What the doctor asks of the service through the public address: no page, and no answer for anybody else."""

import time
from typing import Any

from flask import Blueprint, jsonify, request
from werkzeug.wrappers import Response

from app.core.api import open_doors
from app.core.http import PUBLIC, guard
from app.core.limits import limiter
from app.operations import front
from app.operations.absences import api as absences

routes = Blueprint("operations_api", __name__)


def mount(app: Any, csrf: Any) -> None:
    """Serve it; a signed question needs no token of a form, and changes nothing. And the absences, to software."""
    open_doors(app, csrf, absences.routes)
    csrf.exempt(routes)
    app.register_blueprint(routes)


@routes.post(front.PASSAGE)
@guard(PUBLIC)
@limiter.limit("30 per minute")
def passage() -> Response:
    """What came here of the doctor's question: from where, in https or not, and for how long its body held this thread."""
    front.allow(request.headers.get(front.TICKET, ""))
    begun = time.monotonic()
    request.get_data(cache=False)
    # As it came, before ProxyFix believed any of it
    before = request.environ.get("werkzeug.proxy_fix.orig", {})
    header = request.environ.get("HTTP_X_FORWARDED_FOR", before.get("HTTP_X_FORWARDED_FOR", ""))
    return jsonify(
        address=request.remote_addr,
        secure=request.is_secure,
        forwarded=[address.strip() for address in header.split(",") if address.strip()],
        seconds=time.monotonic() - begun,
    )
