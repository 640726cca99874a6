"""Every answer of S2LOW is understood as it is written: two shapes of success, mixed encodings, entities, glued sentences."""

from pathlib import Path

import pytest

from app.channels.actes.receipt import read_receipt
from app.channels.actes.s2low_files import files
from app.transmission.ports import AccountRefused, Rejected, Uncertain, Unreachable
from app.transmission.s2low.answers import created, fields_of, status_of, transactions_of
from demo.s2low import DUMP, REFUSED

SAMPLES = Path(__file__).resolve().parents[1] / "assets" / "s2low"


def sample(name: str) -> bytes:
    return (SAMPLES / name).read_bytes()


@pytest.mark.parametrize(
    ("name", "number"),
    [("create-ok.txt", "666"), ("cancel-ok.txt", "704"), ("reponse-create-get-api-ok.txt", "703")],
)
def test_both_shapes_of_success_give_the_number(name, number):
    assert created(sample(name)) == number


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "create-ko-doublon.txt",
            "existe déjà dans la base de données. Il faut peut-être ajouter un suffixe",
        ),
        ("create-ko-numero.txt", "Le numéro n'est pas correct"),
    ],
)
def test_a_refusal_is_read_in_its_encoding(name, words):
    with pytest.raises(Rejected) as refused:
        created(sample(name))
    assert words in refused.value.reason


def test_entities_of_a_refusal_are_undone():
    with pytest.raises(Rejected, match="l'objet « trop long »"):
        created(b"KO\nl&#039;objet &laquo; trop long &raquo;")


@pytest.mark.parametrize(
    "raw",
    [sample("reponse-create-get-api-ko.txt"), "KO\nÉchec de l'authentification".encode("latin-1")],
)
def test_a_refused_account_is_the_administrator_s_matter_and_refuses_no_act(raw):
    with pytest.raises(Unreachable, match="compte technique"):
        created(raw)


@pytest.mark.parametrize(
    "raw", [b"", b"Erreur d'initialisation du module", b"OK\n", b"OK\nabc\n", b"OK\n1\n2\n"]
)
def test_what_is_neither_leaves_a_deposit_in_doubt(raw):
    with pytest.raises(Uncertain):
        created(raw)


def test_an_account_refused_by_release_six_is_never_a_refusal_of_what_is_deposited():
    """Under 200, whatever was asked, its accents lost or mended; nor is a dump of its own faults."""
    for raw in (
        REFUSED.encode(),
        "KO\nLa connexion n'a pas pu être établie".encode(),
        b"KO\nVous n'avez pas les droits",
    ):
        for read in (created, status_of, transactions_of, lambda one: fields_of(one, "import"), files):
            with pytest.raises(AccountRefused, match="compte technique"):
                read(raw)
    for read in (status_of, transactions_of, lambda one: fields_of(one, "transaction"), files):
        with pytest.raises(Unreachable, match="Réponse"):
            read(DUMP.encode())


@pytest.mark.parametrize(("name", "code"), [("status-1.txt", 1), ("status-3.txt", 3)])
def test_a_status_alone(name, code):
    found = status_of(sample(name))
    assert (found.code, found.rest.strip()) == (code, b"")


def test_the_receipt_comes_with_status_four_byte_for_byte():
    raw = sample("status-4-ar.txt")
    found = status_of(raw)
    assert found.code == 4
    assert raw.endswith(found.rest)
    receipt = read_receipt(found.rest)
    assert (receipt.code, receipt.identifier) == ("1-2", "029-212909998-20261201-2026_057-DE")
    assert receipt.conforming


def test_the_anomaly_comes_with_a_sentence_glued_behind_it():
    found = status_of(sample("status-moins1.txt"))
    assert found.code == -1
    receipt = read_receipt(found.rest)
    assert receipt.code == "ANO"
    assert receipt.reason == "005 : PREF-VERIF-02 : SIREN non enregistré"
    assert receipt.said_after.startswith("Enveloppe rejetée par le ministère")


def test_an_unknown_number_is_told_apart():
    with pytest.raises(LookupError):
        status_of(sample("status-ko.txt"))


def test_the_xml_of_flows():
    assert fields_of(sample("helios-import-ok.xml"), "import") == {
        "id": "905",
        "resultat": "OK",
        "message": "import",
    }
    refused = fields_of(sample("helios-import-ko.xml"), "import")
    assert (refused["resultat"], refused["message"]) == ("KO", "doublon détecté. Ce fichier a déjà été posté")
    assert fields_of(sample("helios-status.xml"), "transaction")["status"] == "4"
    with pytest.raises(Unreachable, match="compte technique"):
        fields_of("KO\nÉchec de l'authentification".encode(), "import")
    with pytest.raises(Unreachable):
        fields_of(b"<autre/>", "import")
    with pytest.raises(Unreachable):
        fields_of(b"<import><id>1</id>", "import")


def test_a_list_that_is_none():
    assert transactions_of(b'{"transactions":[{"id":1}]}') == [{"id": 1}]
    for raw in (b'{"error":"non archiviste"}', b"[]", b"KO\nAcc\xe8s refus\xe9"):
        with pytest.raises(Unreachable):
            transactions_of(raw)
