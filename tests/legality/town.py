"""What the tests of legality control share: an act at the Préfecture, its letters, and a walk through a reply."""

from itertools import count

import sqlalchemy as sa

from app.core.db import reading
from app.folders import sending
from app.folders.keep import Incoming
from app.legality import intake, replies
from app.legality.models import StateLetter
from app.people.actor import system
from app.transmission.parcel import sender_of
from app.transmission.ports import Sender
from demo.cast import SIREN
from tests.builders.house import ACT, House

LETTER = ACT.parents[1] / "invoices" / "fx-basic-fr-ok.pdf"


def office():
    """The legality office of the simulated Préfecture."""
    return intake.the_channel().transport.office


def sender(house: House) -> Sender:
    """The commune as the Préfecture knows it."""
    with reading() as db:
        return sender_of(db, house.actor("k.morizur").collectivity_id, house.settings)


def page(house: House, login: str, url: str) -> str:
    """A page as somebody reads it, its spaces made plain."""
    text = house.client(login).get(url).get_data(as_text=True)
    return text.replace("\u00a0", " ").replace("\u202f", " ")


_rounds = count(1)


def fetch(house: House) -> None:
    """One round of fetching, and all that follows."""
    intake.ask(system(house.actor("k.morizur").collectivity_id), f"letters-test-{next(_rounds)}")
    house.drain()


def letters() -> list[StateLetter]:
    with reading() as db:
        return list(db.scalars(sa.select(StateLetter).order_by(StateLetter.id)))


def write(house: House, folder_id: int, code: str) -> None:
    """Have the Préfecture write a letter of this code about an act that it has."""
    office().ask(SIREN, house.folder(folder_id).number, code)


def a_letter(house: House, code: str, number: str = "2026-057") -> tuple[int, StateLetter]:
    """An act that waits for its publication, and the letter of this code that the Préfecture wrote about it."""
    folder_id = house.a_deliberation(at="publication", number=number)
    write(house, folder_id, code)
    fetch(house)
    return folder_id, letters()[-1]


def typed(tmp_path, *codes: str) -> list[replies.Typed]:
    found = []
    for rank, code in enumerate(codes):
        path = tmp_path / f"piece-{rank}.pdf"
        path.write_bytes(LETTER.read_bytes() if rank else ACT.read_bytes())
        found.append(replies.Typed(Incoming(path, path.name), code))
    return found


def walk(house: House, folder_id: int) -> None:
    """Send a reply through its circuit: visa, signature, Préfecture."""
    version = house.folder(folder_id).version
    sending.send(house.actor("k.morizur"), folder_id, version=version)
    house.approve(folder_id, "s.rivoal")
    house.sign(folder_id, "a.kervadec")
    house.drain()
