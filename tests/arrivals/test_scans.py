"""What a scanner lays in its folder: taken once it is whole, filed once it is kept, told where it could not be taken."""

import os
import shutil
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa

from app import create_app
from app.arrivals import routing
from app.arrivals.models import Arrival, ArrivalFile, Scanner
from app.arrivals.routing import Destination, Routing, Row
from app.arrivals.scans import inbox, sources, watching
from app.arrivals.scans.sources import Source
from app.core.clock import now
from app.core.db import reading
from app.core.refusals import Refusal
from app.files import vault
from app.operations.doctor import examine
from tests.builders.house import INVOICE, House

pytestmark = pytest.mark.in_turn
SIREN = "212909998"
LATER = timedelta(seconds=inbox.REST + 1)


@pytest.fixture
def town(house: House, tmp_path: Path) -> House:
    """The house whose host gives scanners a share."""
    root = tmp_path / "partage"
    root.mkdir()
    settings = house.settings.model_copy(update={"scans_root": root})
    made = House(create_app(settings), settings, house.pki, house.mail)
    routing.choose(made.actor("k.morizur"), Routing((), Destination("comptabilite", "")))
    return made


def a_scanner(town: House, folder: str = "accueil", **more: object) -> Source:
    """A scanner that an administrator chose, whose folder the first look has made."""
    actor = town.actor("k.morizur")
    number = sources.save(
        actor, Source(0, actor.collectivity_id, "Copieur de l’accueil", folder, "invoice", **more)
    )
    watching.take(the_source(number), town.settings, now())
    return the_source(number)


def the_source(number: int) -> Source:
    with reading() as db:
        return sources.plain(db.get_one(Scanner, number))


def place(town: House, source: Source) -> Path:
    return town.settings.scans_root / SIREN / source.folder


def lay(town: House, source: Source, path: Path = INVOICE, name: str = "scan0001.pdf") -> Path:
    """Lay a file as a scanner does; it was written a minute ago."""
    laid = place(town, source) / name
    shutil.copyfile(path, laid)
    old(laid)
    return laid


def old(path: Path, seconds: float = 60.0) -> None:
    moment = now().timestamp() - seconds
    os.utime(path, (moment, moment), follow_symlinks=False)


def look_twice(town: House, source: Source, moment: datetime | None = None) -> int:
    """Two looks, as far apart as they must be; how many files were new at the second."""
    moment = moment or now()
    assert watching.take(the_source(source.id), town.settings, moment) == 0
    return watching.take(the_source(source.id), town.settings, moment + LATER)


def arrivals() -> list[Arrival]:
    with reading() as db:
        return list(db.scalars(sa.select(Arrival).order_by(Arrival.id)))


def names(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


def plain(text: str) -> str:
    return " ".join(text.replace("\u00a0", " ").replace("\u202f", " ").split())


def page(house: House, login: str, url: str) -> str:
    return plain(house.client(login).get(url).get_data(as_text=True))


def told(town: House) -> str:
    return next(one.sentence for one in examine(town.settings, ["numériseurs"]))


def test_a_file_is_taken_once_it_is_whole_and_filed_once_it_is_kept(town: House) -> None:
    source = a_scanner(town)
    there = place(town, source)
    assert names(there) == [inbox.TAKING, inbox.REFUSED, inbox.TAKEN]
    change = Row({"scanner": "copieur de l'accueil"}, Destination("technique", ""))
    with reading() as db:
        present = routing.routing_of(db, source.collectivity_id)
    routing.choose(
        town.actor("k.morizur"), Routing((change,), Destination("comptabilite", ""), present.revision)
    )
    data = INVOICE.read_bytes()
    growing = there / "scan0001.pdf"
    moment = now()
    for share in (0.3, 0.6, 1.0):  # it grows from look to look
        growing.write_bytes(data[: int(len(data) * share)])
        old(growing)
        assert watching.take(the_source(source.id), town.settings, moment) == 0
        moment += LATER
    assert (the_source(source.id).waits, the_source(source.id).fault) == (1, "")
    with growing.open("ab"):  # somebody still has it open to write
        assert watching.take(the_source(source.id), town.settings, moment) == 0
        assert not arrivals()
        assert the_source(source.id).waits == 1  # and it is told, wherever it lies
    assert watching.take(the_source(source.id), town.settings, moment) == 1
    assert names(there) == [inbox.TAKING, inbox.REFUSED, inbox.TAKEN]
    (arrival,) = arrivals()
    (filed,) = (there / inbox.TAKEN).iterdir()
    with reading() as db:
        (file,) = db.scalars(sa.select(ArrivalFile))
    assert filed.read_bytes() == vault.store().read(vault.scope(source.collectivity_id), file.sha256) == data
    assert filed.name == f"scan0001 {file.sha256[:12]}.pdf"
    assert (arrival.way, arrival.origin) == ("scan", "Copieur de l’accueil : scan0001.pdf")
    assert abs((now() - arrival.received_at).total_seconds() - 60) < 30
    town.drain()
    folder = town.folder(arrivals()[0].folder_id)
    assert (folder.phase, folder.depositor_name) == ("draft", "Numériseur Copieur de l’accueil")
    assert f"/dossiers/{folder.id}" in page(town, "r.pellenec", "/a-traiter?bannette=drafts")  # by its row
    # the same bytes under the same name come again: told, put aside, and a person may take it up all the same
    old(lay(town, source), 30)
    assert look_twice(town, source) == 1
    assert [one.state for one in arrivals()] == ["opened", "aside"]
    assert "il n’a pas été pris une seconde fois" in arrivals()[1].word
    assert len(names(there / inbox.TAKEN)) == 1
    # under another name it is another file
    lay(town, source, name="scan0002.pdf")
    assert look_twice(town, source) == 1


def test_what_cannot_be_taken_is_told_and_filed_apart_with_its_bytes(town: House, tmp_path: Path) -> None:
    settings = town.settings.model_copy(update={"upload_limit_mb": 1})
    source = a_scanner(town)
    there = place(town, source)
    secret = tmp_path / "secret.pdf"
    shutil.copyfile(INVOICE, secret)
    (there / "lien.pdf").symlink_to(secret)
    os.mkfifo(there / "tube.pdf")
    (there / "sous-dossier").mkdir()
    for name, data in (
        ("vide.pdf", b""),
        ("lourd.tif", b"II*\0" + bytes(2 << 20)),
        ("en-cours.pdf", b"%PDF-1.7\nnothing more yet"),
        ("envoi.pdf.filepart", b"half"),
        (".DS_Store", b"x"),
        ("Thumbs.db", b"x"),
    ):
        (there / name).write_bytes(data)
        old(there / name)
    lay(town, source, name=os.fsdecode(b"facture \xe9.pdf"))
    moment = now()
    watching.take(the_source(source.id), settings, moment)
    watching.take(the_source(source.id), settings, moment + LATER)
    told_of = {one.origin.rpartition(" : ")[2]: (one.state, one.reason) for one in arrivals()}
    assert told_of == {
        "lien.pdf": ("refused", watching.STRANGE),
        "tube.pdf": ("refused", watching.STRANGE),
        "vide.pdf": ("refused", watching.EMPTY),
        "lourd.tif": ("refused", watching.LARGE),
        "facture �.pdf": ("waiting", None),
    }
    refused = {one.name.partition(" ")[0]: one for one in (there / inbox.REFUSED).iterdir()}
    assert sorted(refused) == ["lien", "lourd", "tube", "vide"]
    assert refused["lourd"].stat().st_size == (2 << 20) + 4
    assert refused["lien"].is_symlink()
    assert secret.exists()
    left = {".DS_Store", "Thumbs.db", "en-cours.pdf", "envoi.pdf.filepart", "sous-dossier"}
    assert set(names(there)) == left | {inbox.TAKING, inbox.TAKEN, inbox.REFUSED}
    state = the_source(source.id)
    assert state.waits == 2
    assert "« sous-dossier » : un dossier n’est pas pris" in state.fault
    # a PDF that never gets its end is no longer waited for, and the examination tells what it is
    watching.take(the_source(source.id), settings, moment + timedelta(seconds=inbox.UNFINISHED + 1))
    town.drain()
    listed = page(town, "g.trehorel", "/arrivees")
    for words in (
        "Ce fichier du numériseur est vide",
        "dépasse la taille que Paraphe prend",
        "n’est pas un fichier, mais un lien",
        "Copieur de l’accueil : en-cours.pdf",
    ):
        assert words in listed
    assert {one.state for one in arrivals()} == {"refused", "opened"}


def test_a_folder_that_is_away_shut_or_full_is_told_and_nothing_is_lost(
    town: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "aucun numériseur n’est réglé" in told(town)
    source = a_scanner(town)
    there = place(town, source)
    assert "1 dossier est regardé" in told(town)
    laid = lay(town, source)
    # its share went away: told, and not made anew on the disk under it
    away = there.with_name("ailleurs")
    there.rename(away)
    look_twice(town, source)
    assert "le dossier n’est pas là" in the_source(source.id).fault
    assert not there.exists()
    assert "Copieur de l’accueil : le dossier n’est pas là" in told(town)
    url = "/administration/arrivees/numeriseurs"
    assert "le dossier n’est pas là" in page(town, "k.morizur", url)
    assert "Le dossier du numériseur Copieur de l’accueil" in page(town, "k.morizur", "/a-traiter")
    # a link in its place is not followed
    there.symlink_to(away)
    look_twice(town, source)
    assert "un lien" in the_source(source.id).fault
    there.unlink()
    away.rename(there)
    # neither is one in the place of a folder of ours
    (there / inbox.TAKEN).rename(there / "garde")
    (there / inbox.TAKEN).symlink_to(there / "garde")
    look_twice(town, source)
    assert "un lien" in the_source(source.id).fault
    (there / inbox.TAKEN).unlink()
    (there / "garde").rename(there / inbox.TAKEN)
    assert laid.exists()
    assert not arrivals()
    # nowhere to keep it: it waits in « en cours », and is taken later, once
    vault.store().probe()
    store = Path(urlsplit(town.settings.store_url).path)
    store.rename(store.with_name("depot-parti"))
    look_twice(town, source)
    assert "« scan0001.pdf » : " in the_source(source.id).fault
    assert names(there / inbox.TAKING) == ["scan0001.pdf"]
    assert not arrivals()
    store.with_name("depot-parti").rename(store)
    assert watching.take(the_source(source.id), town.settings, now() + LATER) == 1
    assert the_source(source.id).fault == ""
    assert len(arrivals()) == len(names(there / inbox.TAKEN)) == 1
    with pytest.raises(OSError, match="space") as full:
        inbox.copied(there / inbox.TAKEN / names(there / inbox.TAKEN)[0], Path("/dev/full"), now())
    assert watching.words(full.value) == "il n’y a plus de place sur le disque"
    # the whole share of the host
    root = town.settings.scans_root
    root.rename(root.with_name("parti"))
    assert "montez le partage" in told(town)
    look_twice(town, source)
    assert not root.exists()


def test_a_scanner_is_chosen_in_the_page_under_the_share_of_the_host_alone(town: House) -> None:
    client = town.client("k.morizur")
    url = "/administration/arrivees/numeriseurs"
    form = {
        "csrf_token": town.csrf(client),
        "number": "0",
        "revision": "0",
        "scanner": "Copieur",
        "folder": "accueil",
        "kind": "invoice",
        "active": "1",
    }
    for changed, words in (
        *(({"folder": bad}, "comme un nom seul") for bad in ("../autre", "/etc", "a/b", "", ".cache", "é")),
        ({"scanner": " "}, "donnez un nom"),
        ({"kind": "pes_payroll"}, "ce type n’est pas"),
    ):
        answer = client.post(url, data={**form, **changed})
        assert answer.status_code == 422
        text = plain(answer.get_data(as_text=True))
        assert words in text
        assert 'value="Copieur"' in text or changed.get("scanner")  # what was typed stays
    assert "C’est enregistré" in plain(
        client.post(url, data=form, follow_redirects=True).get_data(as_text=True)
    )
    assert f"{SIREN}/accueil" in page(town, "k.morizur", url)
    assert client.post(url, data={**form, "folder": "Accueil"}).status_code == 422  # one for some shares
    with reading() as db:
        (row,) = db.scalars(sa.select(Scanner))
    changed = {**form, "number": str(row.id), "revision": str(row.revision), "scanner": "Copieur du rez"}
    assert client.post(url, data=changed).status_code == 302
    assert client.post(url, data=changed).status_code == 409
    # the worker makes the folder, sees the file, and takes it at its second look
    watching.look(town.settings)
    town.drain()
    source = the_source(row.id)
    lay(town, source)
    now_url = f"{url}/{row.id}/regarder"
    answer = client.post(now_url, data={"csrf_token": form["csrf_token"]}, follow_redirects=True)
    assert "regardé dans un instant" in plain(answer.get_data(as_text=True))
    town.drain()
    assert "1 fichier n’est pas encore entier" in page(town, "k.morizur", url)
    assert watching.take(the_source(row.id), town.settings, now() + LATER) == 1
    # another commune has its own, and reaches neither this one nor its files
    other = replace(town.actor("k.morizur"), collectivity_id=source.collectivity_id + 1)
    with pytest.raises(Refusal):
        watching.ask_now(other, row.id)
    left = client.post(url, data={**changed, "revision": "2", "active": ""}, follow_redirects=True)
    # what lies in a folder that is watched no more is not lost in silence
    assert "Plus rien n’est pris dans « accueil »" in plain(left.get_data(as_text=True))
    assert "n’est pas regardé" in page(town, "k.morizur", url)
