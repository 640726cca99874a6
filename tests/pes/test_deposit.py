"""A payment flow is taken in, or refused with what the maker of the accounting software must change; what is doubtful is told."""

import contextlib
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import NoResultFound

from app.core.db import reading
from app.core.refusals import Refusal
from app.folders import decide, deposit
from app.folders import seen as reads
from app.folders.keep import Incoming
from app.folders.models import Document, Folder
from app.folders.sockets import cautions
from app.people.actor import system
from app.pes import coherence
from app.pes.index import remake
from app.pes.models import FlowIndex, FlowPage
from tests.api.software import Software
from tests.batches.town import Hand
from tests.builders.flows import NAME, edited, long_flow, renamed
from tests.builders.house import FLOW, House
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn


def refused(house: House, path: Path) -> Refusal:
    with pytest.raises(Refusal) as caught:
        house.deposit("g.trehorel", "pes", path)
    return caught.value


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        (b'<IdColl V="21290999800017"/>', b'<IdColl V="21350999800017"/>', "flow-other-body"),
        (b'<IdColl V="21290999800017"/>', b"", "flow-other-body"),
        (b'<NomFic V="' + NAME + b'"/>', b"", "flow-name-missing"),
        (b'<CodCol V="123"/>', b"", "flow-name-missing"),
        (b'encoding="ISO-8859-1"', b'encoding="windows-1252"', "pes-encoding"),
        (b'<InfoDematerialisee V="1"/>', b"", "pes-not-dematerialised"),
        (b"pes_v2/Rev0/aller", b"pes_v2/Rev9/aller", "pes-not-a-flow"),
        (b"<n:PES_Aller ", b"<!DOCTYPE a><n:PES_Aller ", "xml-doctype"),
    ],
    ids=[
        "another body",
        "no body",
        "no name",
        "no code",
        "encoding",
        "not dematerialised",
        "namespace",
        "DOCTYPE",
    ],
)
def test_a_flow_that_the_treasury_would_refuse_is_refused_at_deposit(
    house: House, tmp_path: Path, old: bytes, new: bytes, key: str
) -> None:
    assert refused(house, edited(tmp_path, (old, new))).key == key


def test_a_flow_without_a_single_piece_is_never_acquitted_so_it_is_refused(
    house: House, tmp_path: Path
) -> None:
    path = tmp_path / "vide.xml"
    path.write_bytes(re.sub(rb"<Piece>.*?</Piece>", b"", FLOW.read_bytes(), flags=re.DOTALL))
    assert refused(house, path).key == "flow-empty"


def test_the_name_of_a_flow_serves_once(house: House, tmp_path: Path) -> None:
    first = house.deposit("g.trehorel", "pes", FLOW)
    again = refused(house, FLOW)
    assert (again.key, again.facts["name"], again.facts["code"]) == ("flow-name-used", NAME.decode(), "123")
    house.deposit("g.trehorel", "pes", renamed(tmp_path, 15))
    # its own folder may correct it under the same name; a draft that is given up gives its name back
    actor = house.actor("g.trehorel")
    with reading() as db:
        main = db.scalars(sa.select(Document.id).where(Document.folder_id == first)).one()
    corrected = edited(tmp_path, (b"rentr\xe9e", b"septembre"))
    deposit.replace_main(actor, first, main, Incoming(corrected, "corrige.xml"))
    decide.withdraw(actor, first, version=house.folder(first).version)
    assert house.deposit("g.trehorel", "pes", FLOW)


def test_a_flow_that_once_left_keeps_its_name_even_when_its_folder_is_given_up(house: House) -> None:
    folder_id = house.a_flow()
    house.sign(folder_id, "a.kervadec")
    house.drain()
    assert house.folder(folder_id).place == "done"
    assert refused(house, FLOW).key == "flow-name-used"


def test_the_same_sentence_is_told_to_the_page_and_to_the_api(house: House, tmp_path: Path) -> None:
    path = edited(tmp_path, (b'<IdColl V="21290999800017"/>', b'<IdColl V="21350999800017"/>'))
    client = house.client("g.trehorel")
    form = {"family": "pes", "csrf_token": house.csrf(client), "files": (path.open("rb"), "flux.xml")}
    page = client.post("/deposer", data=form, content_type="multipart/form-data")
    assert page.status_code == 422
    assert "21350999800017 (EnTetePES/IdColl)" in page.get_data(as_text=True)


def told(house: House, folder_id: int, login: str = "g.trehorel") -> str:
    """The words of the page, without its marks."""
    page = house.client(login).get(f"/dossiers/{folder_id}").get_data(as_text=True)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)).replace("\u202f", " ").replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (b'<NbrPce V="2"/>', b'<NbrPce V="3"/>', "Il annonce 3 pièces et contient 2 mandats"),
        (b'V="2282.60"', b'V="2282.61"', "Il déclare 2 282,61 € hors taxes, ses lignes font 2 282,60 €"),
        (
            b'<MtBordHT V="2282.60"/>',
            b'<MtBordHT V="2282.60"/><MtBordTVA V="1.00"/>',
            "Il déclare 1,00 € de TVA",
        ),
        (b'<MtCumulAnnuel V="1000000.00"/>', b"", "Le cumul annuel (MtCumulAnnuel) manque"),
        (b'<IdBord V="2"/>', b'<IdBord V="1"/>', "Il figure 2 fois dans ce flux"),
        (
            b'</Contenu><IdUnique V="21290999800017D202600000003"/>',
            b'</Contenu><IdUnique V="X3"/>',
            "D202600000003 est annoncée et n’est pas dans le flux",
        ),
        (
            b'</Contenu><IdUnique V="21290999800017D202600000003"/>',
            b'</Contenu><IdUnique V="21290999800017D202600000004"/>',
            "sert 2 fois",
        ),
        ("École, rentrée".encode("latin-1")[1:], "École, rentrée".encode()[2:], "Accents abîmés"),
        (b'<MtHT V="412.60"', b'<MtHT V="abc"', "Un de ses montants n’est pas un nombre"),
        (
            b"FR7630004000031234567890143",
            b"FR7630001007941234567890185",
            "sont payés sur le compte FR76 •••• 0185 (pièce 1 la première)",
        ),
        (b'<NatPce V="01"/>', b"<NatPce/>", "« NatPce » n’a pas son attribut obligatoire"),
        (
            b'<TypAdr V="1"/>',
            b'<TypAdr V="7"/>',
            "plus récent que le schéma PES 5.30, le dernier que Paraphe connaisse, qui n’a pas le code « 7 » de « TypAdr »",
        ),
        (b'<TypePJ V="003"/>', b'<TypePJ V="004"/>', "Ce flux porte des bulletins de paye"),
    ],
    ids=[
        "count",
        "sum",
        "vat",
        "running",
        "twice",
        "absent",
        "repeated",
        "garbled",
        "unread",
        "shared account",
        "schema",
        "newer schema",
        "payslips",
    ],
)
def test_what_does_not_hold_together_is_told_before_the_button(
    house: House, tmp_path: Path, old: bytes, new: bytes, words: str
) -> None:
    folder_id = house.deposit("g.trehorel", "pes", edited(tmp_path, (old, new)))
    assert words in told(house, folder_id)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_who_signs_many_flows_or_decides_by_the_api_is_told_before_the_button(
    house: House, tmp_path: Path
) -> None:
    sound, wrong = house.a_flow(), house.a_flow(renamed(tmp_path, 41, (b'V="2282.60"', b'V="2282.61"')))
    mayor = Hand(house, "a.kervadec")
    page = mayor.page(mayor.propose("sign", [sound, wrong])).replace("\u00a0", " ").replace("\u202f", " ")
    assert "1 point à regarder dans 1 dossier sur 2" in page
    assert page.index("Il déclare 2 282,61 € hors taxes") < page.index("Signer 2 dossiers</span>")
    software = Software(house, "finances", [Right.ACT])
    assert software.get(f"/folders/{sound}").json["warnings"] == []
    (told_there,) = software.get(f"/folders/{wrong}").json["warnings"]
    assert (told_there["key"], told_there["gravity"]) == ("sum", "warning")
    assert "ses lignes font" in told_there["sentence"]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_what_a_flow_s_reading_found_is_settled_by_who_decides_for_that_file_alone(
    house: House, tmp_path: Path
) -> None:
    """With a word, one by one or together; of another file that says the same one asks again."""
    wrong = (b'<NbrPce V="2"/>', b'<NbrPce V="3"/>'), (b'V="2282.60"', b'V="2282.61"')
    folder_id = house.a_flow(renamed(tmp_path, 42, *wrong))

    def points() -> list[str]:
        with reading(house.actor("a.kervadec").collectivity_id) as db:
            return [one.about for one in cautions(db, house.folder(folder_id))]

    every = points()
    assert [one.partition(":")[0] for one in every] == ["count", "sum", "count"]
    mayor, clerk = Hand(house, "a.kervadec"), Hand(house, "g.trehorel")
    assert "Trancher 3 points de la fiche…" in mayor.text(f"/dossiers/{folder_id}")
    assert "Trancher" not in clerk.text(f"/dossiers/{folder_id}")
    form = {"version": house.folder(folder_id).version, "keep": "", "word": "Vu avec le comptable."}
    where = f"/dossiers/{folder_id}/trancher"
    clerk.post(where, {**form, "about": every[1:2]}, status=403)
    for ticked, word in (([], "Vu."), ([*every, "sum:0000000000000000"], "Vu."), (every, " ")):
        refused = mayor.ask(where, "POST", {**form, "about": ticked, "word": word})
        assert refused.status_code in {409, 422}
        assert ("Ce que vous aviez écrit" in refused.text) == ("Vu." in refused.text) == (word == "Vu.")
    assert points() == every
    mayor.post(where, {**form, "about": [*every, *every]})
    assert points() == []
    assert house.journal(folder_id).count("folder.ruled") == 3
    page = mayor.text(f"/dossiers/{folder_id}")
    assert "a levé ce point" in page
    assert "« Vu avec le comptable. »" in page
    assert "à regarder avant de signer" not in page
    assert "Les sommes et les nombres de pièces ont été recalculés" not in page
    assert "à regarder dans" not in mayor.page(mayor.propose("sign", [folder_id]))
    shown = Software(house, "finances", [Right.ACT]).get(f"/folders/{folder_id}").json
    assert shown["warnings"] == []
    assert [one["key"] for one in shown["settled"]] == ["count", "sum", "count"]
    assert {one["word"] for one in shown["settled"]} == {"Vu avec le comptable."}

    version = house.folder(folder_id).version
    decide.reject(house.actor("a.kervadec"), folder_id, version=version, reason="Encore.")
    (main, *_) = house.versions(folder_id)
    again = renamed(tmp_path, 42, *wrong, (b"rentr\xe9e", b"septembre"))
    deposit.replace_main(
        house.actor("g.trehorel"), folder_id, main.document_id, Incoming(again, "PES_43.xml")
    )
    assert len(points()) == len(every)
    assert not set(every) & set(points())
    # a replaced flow has one name, that of the file which is there
    with reading() as db:
        titles = db.scalars(sa.select(Document.title).where(Document.folder_id == folder_id)).all()
    assert titles == ["PES_43"]
    assert "flux42" not in clerk.text(f"/dossiers/{folder_id}")


def test_a_sound_flow_has_nothing_to_look_at(house: House) -> None:
    page = told(house, house.deposit("g.trehorel", "pes", FLOW))
    assert "à regarder avant de signer" not in page
    assert "Le flux suit le schéma PES 5.30" in page


def test_a_bordereau_of_another_folder_is_told(house: House, tmp_path: Path) -> None:
    first = house.deposit("g.trehorel", "pes", FLOW)
    second = edited(tmp_path, (NAME, NAME[:-1] + b"9"))
    assert f"Le dossier n° {first} porte les mêmes bordereaux" in told(
        house, house.deposit("g.trehorel", "pes", second)
    )


def signed(house: House, path: Path) -> int:
    folder_id = house.a_flow(path)
    house.sign(folder_id, "a.kervadec")
    return folder_id


@pytest.mark.law("INV-21")
def test_an_account_that_is_not_the_last_one_signed_for_its_third_party_is_told(
    house: House, tmp_path: Path
) -> None:
    old, new = b"FR7630001007941234567890185", b"FR7612548029989876543210917"
    first = (b'V="12345678200010"/><NatIdTiers', b'V="99999999900019"/><NatIdTiers')
    signed(house, FLOW)
    changed = renamed(tmp_path, 31, (old, new))
    waiting = house.deposit("g.trehorel", "pes", changed)
    page = told(house, waiting)
    assert "IBAN changé, PAPETERIE DU PONANT" in page
    assert "FR76 •••• 0917. Au dernier flux signé : FR76 •••• 0185" in page
    assert old.decode() not in page
    assert new.decode() not in page
    # a third party never paid before is no change, and one that was signed since is the new last
    assert "IBAN changé" not in told(
        house, house.deposit("g.trehorel", "pes", renamed(tmp_path, 32, (old, new), first))
    )
    signed(house, renamed(tmp_path, 33, (old, new)))
    assert "IBAN changé" not in told(house, waiting)
    assert "IBAN changé" in told(house, house.deposit("g.trehorel", "pes", renamed(tmp_path, 34)))


def pages_of(house: House, folder_id: int) -> int:
    with reading() as db:
        return len(db.scalars(sa.select(FlowPage.number).where(FlowPage.folder_id == folder_id)).all())


def readers(house: House, folder_id: int) -> list[str]:
    """Who has seen the flow whole."""
    (main,) = house.versions(folder_id)
    with reading() as db:
        rows = reads.marks(db, db.get_one(Folder, folder_id)).get(main.id, ())
        return [row.who for row in rows]


@pytest.mark.law("PES-01")
def test_every_piece_of_a_long_flow_can_be_read_before_it_is_signed(house: House, tmp_path: Path) -> None:
    folder_id = house.a_flow(long_flow(tmp_path, 900))
    client = house.client("a.kervadec")
    seen: list[str] = []
    for number in range(1, pages_of(house, folder_id) + 1):
        page = client.get(f"/dossiers/{folder_id}?feuille={number}").get_data(as_text=True)
        seen += re.findall(r'<td class="num">(\d+)</td>', page)
        assert (readers(house, folder_id) == ["Armel Kervadec"]) is (number == pages_of(house, folder_id))
    assert seen == ["1", "2", *map(str, range(1000, 1900)), "3", "4"]
    other = house.client("n.abgrallec")
    for number in (*range(pages_of(house, folder_id), 1, -1), 2):
        other.get(f"/dossiers/{folder_id}?feuille={number}")
    assert len(readers(house, folder_id)) == 1, "the first page is left"
    (main,) = house.versions(folder_id)
    assert other.get(f"/dossiers/{folder_id}/documents/{main.document_id}/1").status_code == 200
    assert len(readers(house, folder_id)) == 2, "the whole file is whole"


def test_a_bordereau_is_found_by_its_number(house: House, tmp_path: Path) -> None:
    folder_id = house.a_flow(long_flow(tmp_path, 900))
    client = house.client("a.kervadec")
    assert "Réparation de la vedette" in client.get(f"/dossiers/{folder_id}?bordereau=2").get_data(
        as_text=True
    )
    page = client.get(f"/dossiers/{folder_id}?bordereau=7").get_data(as_text=True)
    assert "Ce flux n’a pas de bordereau 7." in page
    for odd in ("feuille=0", "feuille=99999", "feuille=²", "feuille=-1", "bordereau=%00"):
        assert client.get(f"/dossiers/{folder_id}?{odd}").status_code in {200, 400}, odd


def test_a_signed_flow_is_shown_as_it_was_read_before(house: House) -> None:
    folder_id = signed(house, FLOW)
    assert "Éclairage du gymnase" in told(house, folder_id, "a.kervadec")


def test_a_flow_deposited_before_readings_were_kept_is_read_when_it_is_opened(
    house: House, forget: Callable[[int], None]
) -> None:
    folder_id = house.a_flow()
    forget(folder_id)
    assert pages_of(house, folder_id) == 0
    assert "Éclairage du gymnase" in told(house, folder_id, "a.kervadec")
    assert pages_of(house, folder_id) == 1


def test_a_reading_is_made_again_as_often_as_one_likes_and_by_no_other_collectivity(house: House) -> None:
    folder_id = house.deposit("g.trehorel", "pes", FLOW)
    before = pages_of(house, folder_id)
    here = house.folder(folder_id).collectivity_id
    for collectivity_id, digest in ((here, "a" * 64), (here, "b" * 64), (here + 1, "c" * 64)):
        with contextlib.suppress(NoResultFound):
            remake(system(collectivity_id), folder_id, digest, coherence.read(FLOW))
    with reading() as db:
        assert db.get_one(FlowIndex, folder_id).sha256 == "b" * 64
    assert pages_of(house, folder_id) == before


def test_a_corrected_file_is_the_one_that_is_shown(house: House, tmp_path: Path) -> None:
    folder_id = house.deposit("g.trehorel", "pes", FLOW)
    with reading() as db:
        main = db.scalars(sa.select(Document.id).where(Document.folder_id == folder_id)).one()
    corrected = edited(tmp_path, (b"du gymnase", b"de la salle"))
    deposit.replace_main(house.actor("g.trehorel"), folder_id, main, Incoming(corrected, "corrige.xml"))
    page = told(house, folder_id)
    assert "Éclairage de la salle" in page
    assert "du gymnase" not in page


def test_a_draft_announces_only_what_may_take_the_flow_s_place(house: House) -> None:
    page = (
        house.client("g.trehorel").get(f"/dossiers/{house.deposit('g.trehorel', 'pes', FLOW)}/brouillon").text
    )
    replacing, adding = page.partition("Ajouter un document")[::2]
    assert "choisissez-le. XML ;" in " ".join(replacing.split())
    assert 'accept=".xml"' in replacing
    assert "PDF, XML, images, bureautique" in adding
