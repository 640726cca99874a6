"""The paper copy of a published act that anybody may ask for: what the public has, with the days printed on it."""

from pathlib import Path
from tempfile import TemporaryDirectory

from app.core.db import Db
from app.core.refusals import Refusal
from app.files import vault
from app.folders.effect import effect_of
from app.folders.models import Folder
from app.folders.publicity import means_of
from app.pdf.printed import stamp
from app.publication import record

PDF = "application/pdf"


def paper_copy(db: Db, folder: Folder, position: int = 1) -> bytes:
    """A file of the version online as a PDF to print, its publication at the foot of each page (CGCT L2131-1, VI).

    What the public may not read is not in it: of an act put online masked, the masked version. Refuses `nothing-to-print`:
    no act online, no such file, or one that is no PDF.
    """
    act = record.act_of(db, folder.id)
    if act is None or act.withdrawn_at is not None:
        raise Refusal("nothing-to-print")
    file = next(
        (file for file in record.files_of(db, record.online_version(db, act)) if file.position == position),
        None,
    )
    if file is None or file.media_type != PDF:
        raise Refusal("nothing-to-print")
    worth = effect_of(db, folder)
    authors = " ; ".join(
        ", ".join(filter(None, (author["name"], author["capacity"]))) for author in act.authors
    )
    rows = [
        f"{means_of(db, folder).done} {act.published_on:%d/%m/%Y}, en ligne depuis le {record.first_day(act):%d/%m/%Y}",
        *([worth.words] if worth else []),
        *([authors] if authors else []),
    ]
    with TemporaryDirectory(prefix="paraphe-copy-") as room:
        source, target = Path(room) / "act.pdf", Path(room) / "copy.pdf"
        vault.store().fetch(vault.scope(folder.collectivity_id), file.sha256, source)
        return stamp(source, target, rows, simulated=False).read_bytes()
