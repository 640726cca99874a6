"""What the Treasury sends of itself: kept once whatever dies, said of its own mandats, to those who read them."""

import re
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.core import outbox
from app.core.clock import now
from app.core.db import engine, reading
from app.display.answers import folder_of
from app.files import vault
from app.journal.models import JournalEntry
from app.people.actor import system
from app.people.models import Collectivity
from app.pes import intake, returned
from app.pes.models import ReturnedClient, ReturnedPiece, TreasuryReturn
from app.transmission.channels import open_channel
from app.transmission.models import RelaySilence, Transmission
from app.transmission.ports import Listed, Unreachable
from demo.cast import SIREN
from demo.treasury.returns import Box
from tests.builders import s2low
from tests.builders.house import FLOW, House
from tests.builders.s2low import Face, a_face

pytestmark = pytest.mark.in_turn

RETURN = (FLOW.parent / "kerlann_retour.xml").read_bytes()
LIST = "/tresorerie/retours"
_rounds = count(1)


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    with a_face(tmp_path_factory.mktemp("s2low")) as made:
        yield made


@pytest.fixture
def face(tls: Face, tmp_path) -> Face:
    tls.world(tmp_path / "world")
    return tls


def fetch(house: House) -> None:
    """One round of fetching, and all that follows."""
    intake.ask(system(house.actor("k.morizur").collectivity_id), f"returns-test-{next(_rounds)}")
    while outbox.drain():
        pass  # a round that waits for the operator stays, and is not waited for


def put(house: House, raw: bytes, name: str = "PES2R_DEP.xml") -> None:
    """Let a file wait at the simulated Treasury."""
    Box(house.settings.helios_folder, SIREN).put(name, raw, now())


def files() -> list[TreasuryReturn]:
    with reading() as db:
        return list(db.scalars(sa.select(TreasuryReturn).order_by(TreasuryReturn.id)))


def page(house: House, login: str, url: str) -> str:
    text = house.client(login).get(url).get_data(as_text=True)
    return text.replace("\u00a0", " ").replace("\u202f", " ")


def subjects(house: House) -> list[str]:
    return [one["Subject"].replace("\u00a0", " ") for one in house.mail.letters]


def acquitted(house: House, folder_id: int) -> str:
    """Sign a flow and have it acquitted; its reference over there."""
    house.sign(folder_id, "a.kervadec")
    house.drain()
    with reading() as db:
        reference = db.scalar(sa.select(Transmission.reference).where(Transmission.folder_id == folder_id))
    return str(reference)


def test_a_return_is_kept_once_and_said_of_its_mandats_with_the_difference(house: House) -> None:
    folder_id = house.a_flow()
    acquitted(house, folder_id)
    put(house, RETURN)
    intake.look(house.settings)  # the watchdog's round: the commune sends flows
    house.drain()
    (row,) = files()
    assert (row.standing, row.pieces, row.simulated) == ("read", 4, True)
    assert vault.store().read(vault.scope(row.collectivity_id), row.sha256) == RETURN
    assert open_channel("helios").transport.returns(_sender(house)) == []
    put(house, RETURN, "le meme.xml")  # sent once more under another name: the same bytes are here
    fetch(house)
    assert len(files()) == 1
    with reading() as db:
        kinds = list(db.scalars(sa.select(JournalEntry.event)))
        folder = db.get_one(type(house.folder(folder_id)), folder_id)
        told = folder_of(db, folder, house.actor("g.trehorel"))["payments"]
    assert kinds.count("pes.return") == 1
    assert [(one["piece"], one["paid"], str(one["paid_on"])) for one in told] == [
        ("1", "412.60", "2026-11-25"),
        ("2", "1500.00", "2026-11-25"),
        ("3", "0.00", "None"),
    ]
    sheet = page(house, "g.trehorel", f"/dossiers/{folder_id}")
    for words in (
        "Payé en 2 fois, la dernière le mer. 25 nov. : 412,60 € (trésorerie, retour FACTICE du jeu. 26 nov.)",
        "Payé en partie le mer. 25 nov. : 1 500,00 €",
        "Le flux dit 1 870,00 € : écart de 170,00 €.",
        "Réglé autrement (pénalités de retard)",
        "Rejeté le mer. 25 nov.",
        "pièces justificatives insuffisantes. Il manque le procès-verbal",
    ):
        assert words in sheet
    assert sheet.count("Payé") == 2
    listed = page(house, "g.trehorel", LIST)
    assert "PES2R_DEP.xml" in listed
    alone = page(house, "g.trehorel", f"{LIST}/{row.id}")  # no green tick on what is not paid whole
    assert "Payé en partie le mer. 25 nov. : 1 500,00 €" in alone
    assert "Le retour dit 1 870,00 € : écart de 170,00 €." in alone
    assert "1 912,60 €" in listed  # money alone, of the flow that he reads
    assert "et 1 autre pièce que vous ne lisez pas" in listed

    # A later return speaks of mandat 2 again: it is its last word, and nothing adds up.
    later = RETURN.replace(b'DteStr V="2026-11-26"', b'DteStr V="2026-11-27"')
    later = later.replace(b'MtPay V="1500.00"', b'MtPay V="1670.00"')
    put(house, later)
    put(
        house, RETURN.replace(b"2026-11-26", b"2026-11-20").replace(b'"1500.00"', b'"1.00"')
    )  # comes last, says less
    fetch(house)
    sheet = page(house, "g.trehorel", f"/dossiers/{folder_id}")
    assert "Payé en partie le mer. 25 nov. : 1 670,00 € (trésorerie, retour FACTICE du ven. 27 nov.)" in sheet
    assert "écart" not in sheet


CLIENT = b'<Client><RefTiers V="%s"/>%s</Client>'
OWED = b'<ResteARecouvrer><CodProdLoc V="%s"/><Rar V="%s"/><RarFrais V="%s"/></ResteARecouvrer>'


def with_clients(on: bytes, *clients: bytes, raw: bytes = RETURN) -> bytes:
    """A return that also says what is left to recover, as of a day."""
    head = b'<EnTeteClient><DateCalcul V="%s"/><IdVer V="2"/></EnTeteClient>' % on
    part = b"<PES_ClientRetour>%s%s</PES_ClientRetour></n:PES_Retour>" % (head, b"".join(clients))
    return raw.replace(b"</n:PES_Retour>", part)


def test_what_is_left_to_recover_stands_beside_the_titres_of_its_client(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    titres = tmp_path / "titres.xml"
    raw = (FLOW.parent / "recette_1_bordereau.xml").read_bytes()
    raw = raw.replace(b"21290000000017", b"21290999800017").replace(
        b"<CatTiers", b'<RefTiers V="C-42"/><CatTiers', 1
    )
    titres.write_bytes(raw)
    flow, spent = house.a_flow(titres), house.a_flow()
    school, market = OWED % (b"0001", b"96.00", b"7.50"), OWED % (b"0002", b"13.00", b"0.00")
    put(house, with_clients(b"2026-11-25", CLIENT % (b"C-42", school + market), CLIENT % (b"C-43", school)))
    put(house, with_clients(b"2026-11-20", CLIENT % (b"C-42", OWED % (b"0001", b"500.00", b"0.00"))))
    put(house, with_clients(b"2026-13-20", CLIENT % (b"C-42", school)))  # no day: nothing of it is read
    put(house, with_clients(b"2026-11-27", CLIENT % (b"C-42", OWED % (b"0001", b"beaucoup", b"0.00"))))
    fetch(house)
    assert [one.standing for one in files()] == ["read", "read", "unread", "unread"]
    sheet = page(house, "g.trehorel", f"/dossiers/{flow}")
    said = (
        "Reste à recouvrer de ce client (réf. C-42, produit 0001), tous titres confondus, au mer. 25 nov. : 96,00 € et 7,50 € "
        "de frais (trésorerie, retour FACTICE du jeu. 26 nov.)."
    )
    assert said in sheet
    assert sheet.count("Reste à recouvrer") == 1  # of the titre that names the client, for its product, once
    assert "Reste à recouvrer" not in page(house, "g.trehorel", f"/dossiers/{spent}")
    shared = page(house, "g.trehorel", f"{LIST}/{files()[0].id}")
    assert "reste à recouvrer par client, au mer. 25 nov." in shared
    assert "C-43" not in shared
    # One that came before that was read says so, and is offered to who may take it alone
    with engine().begin() as connection:
        old = sa.update(TreasuryReturn).where(TreasuryReturn.id == files()[1].id)
        connection.execute(old.values(clients_on=None, clients_of=""))
    former = page(house, "g.trehorel", f"{LIST}/{files()[1].id}")
    assert "avant que Paraphe sache lire les restes à recouvrer par client." in former
    # A later file that does not name the client takes what the former one said away
    alone = re.sub(rb"<PES_(Depense|Recette)Retour>.*</PES_\1Retour>", b"", RETURN, flags=re.DOTALL)
    put(house, with_clients(b"2026-11-26", CLIENT % (b"C-43", school + market), raw=alone))
    fetch(house)
    assert "Reste à recouvrer" not in page(house, "g.trehorel", f"/dossiers/{flow}")
    # and a file of clients alone is the administrators'
    last = f"{LIST}/{files()[-1].id}"
    listed = page(house, "k.morizur", last)
    assert ("C-43" in listed, "96,00 € et 7,50 € de frais" in listed, "13,00 €" in listed) == (
        True,
        True,
        True,
    )
    assert house.client("g.trehorel").get(last).status_code == 404
    # What former files said of people is kept no more, nor is that of an old one that comes late; their pages say so
    put(house, with_clients(b"2026-11-19", CLIENT % (b"C-44", school)))
    fetch(house)
    assert [_clients(one) for one in files()] == [[], [], [], [], ["C-43", "C-43"], []]
    shared = page(house, "g.trehorel", f"{LIST}/{files()[0].id}")
    assert "un retour plus récent de ce budget l’a remplacé" in shared
    # Beyond their own bound, clients alone are left out: of this file, and of those before
    monkeypatch.setattr(returned, "MOST_CLIENTS", 1)
    put(house, with_clients(b"2026-11-27", CLIENT % (b"C-42", school + market)))
    fetch(house)
    huge = files()[-1]
    assert (huge.standing, huge.pieces > 0, [one for one in files() if _clients(one)]) == ("read", True, [])
    shared = page(house, "g.trehorel", f"{LIST}/{huge.id}")
    assert ("plus que les 1 que Paraphe garde" in shared, 'id="pieces-title"' in shared) == (True, True)
    assert "Reste à recouvrer" not in page(house, "g.trehorel", f"/dossiers/{flow}")


def _clients(row: TreasuryReturn) -> list[str]:
    with reading() as db:
        query = sa.select(ReturnedClient.client).where(ReturnedClient.return_id == row.id)
        return list(db.scalars(query.order_by(ReturnedClient.id)))


def _sender(house: House):
    from app.transmission.parcel import sender_of

    with reading() as db:
        return sender_of(db, house.actor("k.morizur").collectivity_id, house.settings)


def test_what_cannot_be_read_or_is_another_body_s_is_kept_and_told_and_says_nothing(house: House) -> None:
    with engine().begin() as connection:
        ours = connection.execute(sa.select(Collectivity.__table__).limit(1)).one()._mapping
        more = {key: value for key, value in ours.items() if key != "id"}
        connection.execute(
            sa.insert(Collectivity).values(**more | {"siren": "213100001", "name": "Ailleurs"})
        )
    folder_id = house.a_flow()
    bodies = [b"21310000100012", b"39999999900011"]
    owing = with_clients(b"2026-11-25", CLIENT % (b"C-42", OWED % (b"0001", b"96.00", b"7.50")))
    others = [owing.replace(b"21290999800017", one) for one in bodies]
    put(house, RETURN[:-30])
    put(house, others[0])
    put(house, others[1])
    put(house, b"II*\0 an image", "SCAN.OCR")
    fetch(house)
    assert [one.standing for one in files()] == ["unread", "other", "nobody", "aside"]
    with reading() as db:
        assert db.scalar(sa.select(sa.func.count()).select_from(ReturnedPiece)) == 0
    assert subjects(house).count("Paraphe : un retour de la trésorerie demande vos yeux") == 3
    assert "Payé" not in page(house, "g.trehorel", f"/dossiers/{folder_id}")
    listed = page(house, "k.morizur", LIST)
    for words in (
        "son XML est incomplet",
        "Il porte le SIRET 21310000100012, d’une autre collectivité",
        "mis de côté",
    ):
        assert words in listed
    administrator, clerk = house.client("k.morizur"), house.client("g.trehorel")
    assert "Aucun retour reçu" in clerk.get(LIST).get_data(as_text=True)
    assert "par client" not in "".join(page(house, "k.morizur", f"{LIST}/{one.id}") for one in files())
    answers = [administrator.get(f"{LIST}/{one.id}/fichier") for one in files()]
    assert [one.status_code for one in answers] == [
        200,
        403,
        200,
        200,
    ]  # another's payments are nobody's to read here
    assert answers[0].data == RETURN[:-30]
    assert {
        clerk.get(f"{LIST}/{one.id}{end}").status_code for one in files() for end in ("", "/fichier")
    } == {404}


def test_a_return_of_payroll_and_purchases_is_shared_as_its_flows_are(house: House) -> None:
    flow, pay = house.a_flow(), house.a_pay_flow()
    for folder_id in (flow, pay):
        name = open_channel("helios").transport.send_return(acquitted(house, folder_id))
        assert name.startswith("PES2R_DEP__P_123_")
    fetch(house)
    purchases, payroll = files()
    for login, seen, hidden in (("g.trehorel", purchases, payroll), ("m.kerzerho", payroll, purchases)):
        client = house.client(login)
        assert [seen.name in page(house, login, LIST), hidden.name in page(house, login, LIST)] == [
            True,
            False,
        ]
        assert "Payé le" in page(house, login, f"{LIST}/{seen.id}")
        assert client.get(f"{LIST}/{seen.id}/fichier").data.startswith(b"<?xml")
        for end in ("", "/fichier"):
            assert client.get(f"{LIST}/{hidden.id}{end}").status_code == 404
    # One file of both: each reads his own pieces, and nobody the whole but who reads both.
    with engine().begin() as connection:
        moved = sa.update(ReturnedPiece).where(ReturnedPiece.return_id == payroll.id)
        connection.execute(moved.values(return_id=purchases.id))
    shown = page(house, "g.trehorel", f"{LIST}/{purchases.id}")
    assert "Et 1 autre pièce, de flux que vous ne lisez pas" in shown
    assert "Télécharger" not in shown
    assert house.client("g.trehorel").get(f"{LIST}/{purchases.id}/fichier").status_code == 403
    assert house.client("a.kervadec").get(f"{LIST}/{purchases.id}/fichier").status_code == 200


def test_killed_between_keeping_and_marking_the_file_comes_again_and_is_known(
    house: House, monkeypatch
) -> None:
    house.a_flow()
    put(house, RETURN)
    channel = open_channel("helios")
    with monkeypatch.context() as patch:
        patch.setattr(type(channel), "return_taken", _dies)
        intake.ask(system(house.actor("k.morizur").collectivity_id), "returns-killed")
        outbox.drain()
        assert len(files()) == 1
        assert len(channel.returns(_sender(house))) == 1
    fetch(house)
    (row,) = files()
    assert channel.returns(_sender(house)) == []
    stored = intake.Received(Listed("9", "x", ""), row.sha256, row.size, None, "unread", "", simulated=True)
    assert intake.keep_return(system(row.collectivity_id), stored) is None  # known by its digest alone


def _dies(*_: object) -> None:
    raise Unreachable("coupé")


def test_returns_come_through_s2low_and_an_operator_that_fails_is_told(house: House, face: Face) -> None:
    town = s2low.town(house, face)
    treasury = face.operator._treasury
    Box(treasury._root, SIREN).put("PES2R_DEP.xml", RETURN, now())
    Box(treasury._root, SIREN).put("autre.xml", RETURN.replace(b"1500.00", b"1501.00"), now())
    said = face.operator.scenario.scripted
    said["helios_get_retour.php"] = (
        b"<?xml version='1.0'?>\n<get_retour><id>1</id><resultat>KO</resultat><message>Erreur</message></get_retour>\n"
    )
    fetch(town)
    assert (files(), silent()) == ([], ["returns"])  # the list came: the way is open, a file is not given
    assert "annonce un retour de la trésorerie et ne le donne pas" in page(town, "g.trehorel", LIST)
    said.clear()
    face.operator.scenario.always = "login"
    fetch(town)
    assert "Le compte de télétransmission vers le comptable public est refusé" in page(
        town, "g.trehorel", LIST
    )
    face.operator.scenario.always = ""
    face.operator.scenario.next["helios_change_status.php"] = ["outage"]
    fetch(town)
    fetch(town)
    assert [(one.reference, one.standing) for one in files()] == [("1", "read"), ("2", "read")]
    assert silent() == []
    asked = [one.rsplit("/", 1)[-1] for one in face.operator.scenario.paths]
    assert asked.count("helios_change_status.php") == 3  # the first again, since its answer did not come
    assert treasury.returns(face.operator.authority) == []


def silent() -> list[str]:
    with reading() as db:
        return list(db.scalars(sa.select(RelaySilence.channel).where(RelaySilence.ended_at.is_(None))))
