"""Makes folders with the verbs of the version in whose tree it is copied: `python folders_of_before.py URL HOME PORT HOW-MANY`.

It is run there by `bench.upgrade`, and asks only what every version since f15dcf8 has.
"""

import os
import sys
from collections import Counter
from pathlib import Path

import sqlalchemy as sa

from app import create_app
from app.core import db, schema
from app.files import pdf
from app.folders.models import Folder
from app.journal.models import JournalEntry
from app.signing.enrol import enrol
from tests.builders import once
from tests.builders.house import House
from tests.conftest import settings_for
from tests.mailserver import MailServer

try:
    from demo import pki as test_pki
    from demo.seed import actor_of, people
except ModuleNotFoundError:  # the demonstration was a room of app/ once
    from app.demo import pki as test_pki
    from app.demo.seed import actor_of, people

try:
    from app.trust.certificates import facts
except ModuleNotFoundError:  # whom we believe was in the room of signatures once
    from app.signing.trust import facts

EVERY = 20
"""Folders in a turn: one of each kind below, the others are invoices that wait for finance."""


def add_folder(house: House, rank: int) -> None:
    """One more folder, where its rank says."""
    match rank % EVERY:
        case 0:
            house.an_invoice(at="draft")
        case 1:
            house.an_invoice(at="service_done")
        case 2:
            house.an_invoice(at="bon_a_payer")
        case 3:
            house.an_invoice(at="done")
        case 4:
            house.a_deliberation(at="signatures", number=f"2026-{500 + rank}")
        case 5:
            house.a_deliberation(at="done", number=f"2026-{500 + rank}")
        case 6 if rank < EVERY:  # its name serves once (PES)
            house.a_flow()
        case 7:
            house.an_act("decision")
        case _:
            house.a_quick_invoice()


def main(url: str, home: Path, port: int, count: int) -> None:
    """An empty base at this version's schema, its people, then so many folders; what is due in the background is done."""
    authority = test_pki.make(home / "pki", f"http://127.0.0.1:{port}")
    serving, mail = test_pki.serve(authority.folder, "127.0.0.1", port), MailServer()
    mail.start()
    settings = settings_for(url, home / "data", authority, mail.port)
    app = create_app(settings)
    schema.upgrade()
    people()
    for who, label in (("a.kervadec", "a_kervadec"), ("b.cadiou", "b_cadiou")):
        der = authority.certificate(label)
        enrol(actor_of(who), actor_of(who).user_id or 0, facts(der), der)
    house = House(app, settings, authority, mail)
    pdf._child = (
        once._remembered
    )  # what the tests of that version do too: the same sample is taken apart once
    if hasattr(once, "_signed_once"):
        once.confined.Confined.ask = once._signed_once
    for rank in range(count):
        add_folder(house, rank)
    house.drain()
    with db.reading() as session:
        places = Counter(session.scalars(sa.select(Folder.place)))
        lines = session.scalar(sa.select(sa.func.count()).select_from(JournalEntry))
    print(f"{places.total()} folders, {lines} lines of the journal, {dict(places)}", flush=True)
    mail.stop()
    serving.close()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
    sys.stdout.flush()
    os._exit(0)  # helpers that some versions start would be waited for
