"""What the pages of folders share: their blueprint, the files that a form brings, the version that a page showed."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flask import Blueprint, request
from werkzeug.datastructures import FileStorage

from app.core.db import key_in
from app.core.refusals import Refusal
from app.folders.keep import Incoming

pages = Blueprint("folders", __name__, template_folder="templates")
CREATE = "create"


@contextmanager
def received(*names: str) -> Iterator[list[Incoming]]:
    """The files uploaded under these names (`files` by default), in that order, on disk for as long as the verb lasts."""
    with tempfile.TemporaryDirectory(prefix="paraphe-") as folder:
        found: list[Incoming] = []
        sent = [one for name in names or ("files",) for one in request.files.getlist(name)]
        uploads: list[FileStorage] = [one for one in sent if one.filename]
        for rank, one in enumerate(uploads):
            path = Path(folder) / f"upload-{rank}"
            one.save(path, buffer_size=1 << 20)
            found.append(Incoming(path, one.filename or "document"))
        yield found


def version_shown() -> int:
    """The version of the folder that the posted page showed; refuses `bad-request`."""
    version = key_in(request.form.get("version"))
    if version is None:
        raise Refusal("bad-request", detail="la version du dossier manque")
    return version
