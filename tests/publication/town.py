"""What these tests share: a masked copy of an act, a visitor without account, the public addresses of an act."""

import tempfile
from pathlib import Path

from flask.testing import FlaskClient
from fpdf import FPDF

from app.core.db import reading
from app.folders.keep import Incoming
from app.publication import publishing, record
from app.publication.models import PublicAct
from app.publication.publishing import Masked
from tests.builders.house import House

TITLE = "Aide exceptionnelle à un particulier"
REASON = "Le nom d’un particulier était resté lisible."


def a_masked_pdf(words: str = "Le conseil accorde une aide à [nom occulté].") -> bytes:
    """A PDF whose personal data were taken away, not covered."""
    made = FPDF()
    made.add_page()
    made.set_font("helvetica", size=12)
    made.multi_cell(0, 8, words)
    return bytes(made.output())


def mask(
    house: House,
    folder_id: int,
    data: bytes | None = None,
    *,
    login: str = "k.morizur",
    title: str = TITLE,
    reason: str = REASON,
) -> None:
    """Give the masked version, as the page does."""
    with tempfile.TemporaryDirectory() as room:
        path = Path(room) / "occulte.pdf"
        path.write_bytes(data if data is not None else a_masked_pdf())
        publishing.mask(
            house.actor(login),
            folder_id,
            version=house.folder(folder_id).version,
            sent=Masked(Incoming(path, "Version de Jeanne Martin.pdf"), title, reason),
        )


def act_of(folder_id: int) -> PublicAct:
    """The act that a folder put online."""
    with reading() as db:
        found = record.act_of(db, folder_id)
    assert found is not None
    return found


def address(folder_id: int, slug: str = "kerlann-sur-mer") -> str:
    """The public address of a folder's act."""
    return f"/actes/{slug}/{act_of(folder_id).key}"


def visitor(house: House) -> FlaskClient:
    """Somebody without account."""
    return house.client()


def page(house: House, path: str, status: int = 200) -> str:
    """What a visitor reads there."""
    answer = visitor(house).get(path)
    assert answer.status_code == status, (path, answer.status_code)
    return answer.get_data(as_text=True)
