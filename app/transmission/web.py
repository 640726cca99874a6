"""The post room brings templates to the folder’s page, and the very parcel that was made to leave."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Final

from flask import Blueprint, Response, g, stream_with_context

from app.core.db import Db
from app.core.http import PERSON, disposition, guard
from app.core.refusals import Refusal
from app.display.opening import shown_to
from app.folders.models import Folder
from app.folders.rows import by_onlooker
from app.transmission import sent

pages = Blueprint("transmission", __name__, template_folder="templates")
_CHUNK: Final = 1 << 20


@pages.get("/dossiers/<int:folder_id>/envois/<int:number>")
@guard(PERSON)
def parcel(folder_id: int, number: int) -> Response:
    """A parcel as it was made to leave, for who has a part in its folder; none of its bytes goes before all were compared.

    Refuses `parcel-apart`: what was written for who receives it tells more than is told to who reads for the type alone.
    """
    left = shown_to(g.actor, folder_id, lambda db, folder: _of(db, folder, number))
    with TemporaryDirectory(prefix="paraphe-") as room:
        path = Path(room) / "parcel"
        sent.fetch(left, path)
        size, file = path.stat().st_size, path.open("rb")
    # The file lies in no folder any more: it goes with the answer, however that ends
    answer = Response(stream_with_context(_pieces(file)), mimetype="application/octet-stream")
    answer.call_on_close(file.close)
    answer.headers["Content-Length"] = str(size)
    answer.headers["Content-Disposition"] = disposition(left.name, download=True)
    return answer


def _of(db: Db, folder: Folder, number: int) -> sent.Sent:
    if by_onlooker(db, folder.id):
        raise Refusal("parcel-apart")
    return sent.parcel(db, folder.id, number)


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(_CHUNK):
            yield piece
