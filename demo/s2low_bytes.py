"""What S2LOW's face is made of: its texts in ISO-8859-1, its JSON, the files that it is sent."""

import hashlib
import json
from pathlib import Path
from typing import Any, Final

from werkzeug.wrappers import Response

from app.transmission.ports import ParcelFile

LATIN: Final = "iso-8859-1"


def parcel_file(room: Path, role: Any, sent: Any, code: str | None) -> ParcelFile:
    """A file that was sent, in a folder and as a part of a parcel."""
    content = sent.read()
    sha256 = hashlib.sha256(content).hexdigest()
    path = room / f"{role}-{sha256}"
    path.write_bytes(content)
    name = str(sent.filename)
    return ParcelFile(role, name, name, sent.mimetype, sha256, path, 0, code)


def as_text(text: str) -> Response:
    """A text as S2LOW writes it."""
    return Response(text.encode(LATIN, "replace"), content_type=f"text/plain; charset={LATIN}")


def as_json(value: Any, **shape: Any) -> Response:
    """A value in JSON; `shape` is how it is laid out."""
    return Response(json.dumps(value, **shape), mimetype="application/json")
