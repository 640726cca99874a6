"""Killed between any two steps, what comes by itself is neither lost nor opened twice."""

from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from app import create_app
from app.arrivals import routing
from app.arrivals.models import Arrival
from app.arrivals.routing import Destination, Routing
from app.arrivals.scans import inbox
from app.core.db import reading
from app.files import piles
from app.folders.models import DocumentWords, Folder, StepRun
from tests.arrivals.test_mail import a_box, mail
from tests.arrivals.test_scans import SIREN, a_scanner, lay
from tests.builders.house import INVOICE, House
from tests.builders.scans import blank, bound, drawn, printed, scanned
from tests.crash.sound import bytes_are_there, chain_holds
from tests.crash.walk import Forge
from tests.dovecot import Dovecot

pytestmark = pytest.mark.crash

RECEIVING = (
    # where it dies, the function, after it
    ("nothing kept", "app.files.store:Store._put", False),
    ("bytes kept, no row", "app.files.store:Store._put", True),
    ("rows written, before the commit", "app.arrivals.receiving:append", True),
    ("committed, the other side not told", "app.arrivals.receiving:write", True),
)
OPENING = (
    ("work taken", "app.core.outbox:take", True),
    ("files examined, no folder", "app.folders.deposit:create", False),
    ("words written, before the commit", "app.folders.words:_add", True),
    ("folder written, before the commit", "app.arrivals.opening:append", True),
    ("folder committed, not sent", "app.folders.deposit:create", True),
    ("about to be sent", "app.folders.sending:submit", False),
    ("sent, not noted", "app.folders.sending:submit", True),
    ("noted, before the work is settled", "app.arrivals.opening:sent", True),
    ("work not settled", "app.core.outbox:settle", False),
)


def test_killed_at_each_step_an_arrival_is_one_folder_sent_once(forge: Forge) -> None:
    house = forge.house
    here = house.actor("k.morizur").collectivity_id
    to = Destination("technique", "", service="technique", send=True)
    routing.choose(house.actor("k.morizur"), Routing((), to))
    count = 0
    for name, point, after in RECEIVING:
        count += 1
        given = (here, str(count), str(INVOICE))
        assert forge.play("arrive", *given, kill={"point": point, "after": after})["died"], name
        forge.play("arrive", *given)  # whoever fetches finds it again over there
        _finished(forge, count, name)
    for name, point, after in OPENING:
        count += 1
        forge.play("arrive", here, str(count), str(INVOICE))
        assert forge.play("work", kill={"point": point, "after": after})["died"], name
        _finished(forge, count, name)
    chain_holds(house)
    bytes_are_there(house)
    with reading() as db:
        read = sa.select(DocumentWords.folder_id).where(DocumentWords.state == "read").distinct()
        assert set(db.scalars(read)) == set(db.scalars(sa.select(Folder.id))), "each is found by its words"


def _finished(forge: Forge, count: int, name: str) -> None:
    house = forge.house
    house.wait_for_leases()
    house.drain()
    with reading() as db:
        opened = list(db.execute(sa.select(Arrival.state, Arrival.folder_id, Arrival.to_send)))
        folders = db.scalar(sa.select(sa.func.count(Folder.id)))
        sent = db.scalar(sa.select(sa.func.count(StepRun.folder_id.distinct())))
        begun = db.scalar(sa.select(sa.func.count(StepRun.id)).where(StepRun.state == "active"))
    assert {(one.state, one.to_send) for one in opened} == {("opened", False)}, name
    assert len({one.folder_id for one in opened}) == folders == sent == begun == count, name


COLLECTING = (
    ("read, nothing kept", "app.arrivals.mail.letter:read", True),
    ("bytes kept, no row", "app.files.store:Store._put", True),
    ("committed, still in the mailbox", "app.arrivals.receiving:write", True),
    ("taken away, not noted", "app.notices.imap:remove", True),
    ("noted", "app.arrivals.mail.boxes:note", True),
)


def test_killed_at_each_step_a_mail_goes_only_once_it_is_kept_and_is_kept_once(
    patient: House, forge_at: Callable[[House], Forge]
) -> None:
    dovecot = Dovecot()
    try:
        settings = patient.settings.model_copy(update={"mailbox_hosts": (f"127.0.0.1:{dovecot.port}",)})
        house = House(create_app(settings), settings, patient.pki, patient.mail)
        forge = forge_at(house)
        number = a_box(house, dovecot, "pannes", removes=True).id
        for count, (name, point, after) in enumerate(COLLECTING, 1):
            dovecot.deliver("pannes", bytes(mail(f"Facture {count}", "a@b.example", INVOICE)))
            killed = forge.play("collect", number, kill={"point": point, "after": after})
            assert killed["died"], name
            forge.play("collect", number)
            assert dovecot.flags("pannes") == [], name
            with reading() as db:
                assert db.scalar(sa.select(sa.func.count(Arrival.id))) == count, name
        bytes_are_there(house)
    finally:
        dovecot.stop()


SCANNING = (
    ("claimed", "app.arrivals.scans.inbox:claim", True),
    ("copied, nothing kept", "app.arrivals.scans.inbox:copied", True),
    ("bytes kept, no row", "app.files.store:Store._put", True),
    ("rows written, before the commit", "app.arrivals.receiving:append", True),
    ("committed, not filed", "app.arrivals.receiving:write", True),
    ("about to be filed", "app.arrivals.scans.inbox:file_away", False),
    ("filed, not noted", "app.arrivals.scans.inbox:file_away", True),
    ("noted", "app.arrivals.scans.sources:note", True),
)


def test_killed_at_each_step_a_scan_is_filed_only_once_it_is_kept_and_is_kept_once(
    patient: House, forge_at: Callable[[House], Forge], tmp_path: Path
) -> None:
    settings = patient.settings.model_copy(update={"scans_root": tmp_path})
    house = House(create_app(settings), settings, patient.pki, patient.mail)
    forge = forge_at(house)
    source = a_scanner(house)
    there = tmp_path / SIREN / source.folder
    for count, (name, point, after) in enumerate(SCANNING, 1):
        lay(house, source, name=f"scan{count}.pdf")
        forge.play("scan", source.id, 0)
        killed = forge.play("scan", source.id, 20, kill={"point": point, "after": after})
        assert killed["died"], name
        with reading() as db:
            kept = db.scalar(sa.select(sa.func.count(Arrival.id)))
        filed = len(list((there / inbox.TAKEN).iterdir()))
        assert filed <= kept <= count, name
        forge.play("scan", source.id, 40)
        with reading() as db:
            assert db.scalar(sa.select(sa.func.count(Arrival.id))) == count, name
        assert len(list((there / inbox.TAKEN).iterdir())) == count, name
        assert not list((there / inbox.TAKING).iterdir()), name
    bytes_are_there(house)


SEPARATING = (
    ("documents kept, nothing written", "app.arrivals.scans.separating:part", False),
    ("written, before the commit", "app.arrivals.scans.separating:append", True),
    ("separated, not opened", "app.arrivals.scans.separating:part", True),
    ("opened", "app.folders.deposit:create", True),
)


def test_killed_at_each_step_a_pile_is_cut_once(
    patient: House, forge_at: Callable[[House], Forge], tmp_path: Path
) -> None:
    settings = patient.settings.model_copy(update={"scans_root": tmp_path / "partage"})
    house = House(create_app(settings), settings, patient.pki, patient.mail)
    (tmp_path / "partage").mkdir()
    routing.choose(house.actor("k.morizur"), Routing((), Destination("comptabilite", "")))
    forge = forge_at(house)
    source = a_scanner(house, split=piles.BLANK)
    written = scanned(drawn(printed(tmp_path / "une.pdf", "FACTURE N° F26-1\n" * 9, top=60)), 0.5, 1)
    pile = bound([written, blank(), written], tmp_path / "pile.pdf")
    for count, (name, point, after) in enumerate(SEPARATING, 1):
        lay(house, source, pile, f"pile{count}.pdf")
        forge.play("scan", source.id, 0)
        forge.play("scan", source.id, 20)
        assert forge.play("work", kill={"point": point, "after": after})["died"], name
        house.wait_for_leases()
        house.drain()
        with reading() as db:
            states = list(db.scalars(sa.select(Arrival.state)))
            folders = db.scalar(sa.select(sa.func.count(Folder.id)))
        assert states == ["opened"] * (2 * count), name
        assert folders == 2 * count, name
    bytes_are_there(house)
