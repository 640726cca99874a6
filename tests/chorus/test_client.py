"""The client of Chorus Pro before each odd answer: a refusal is told with what to do, and silence is never an empty list."""

import json
import random
from pathlib import Path

import pytest

from app.chorus import client as asking
from app.chorus.client import Client, Identity
from app.chorus.faults import Barred, Lost, Refused, Silent, TooBig
from app.chorus.wire import Heard
from app.core.clock import now
from demo.chorus import deposits
from demo.chorus.simulator import ACCOUNT, BROKEN, LARGE, LOST, PAGE, QUOTA, RIGHT, SILENCE, SimulatedChorus
from demo.chorus.state import CLIENT, LOGIN, PASSWORD, SECRET, STRUCTURE

SAMPLES = Path(__file__).resolve().parents[1] / "assets" / "chorus"
WHO = Identity(CLIENT, SECRET, LOGIN, PASSWORD)
SINCE = "2020-01-01T00:00:00"


class Recorded:
    """Answers of before, one after the other; a token is always given."""

    simulated = True

    def __init__(self, *answers: Heard | bytes | str) -> None:
        self.answers, self.asked, self.tokens = list(answers), [], 0

    def post(self, path, headers, data):
        if not path:
            self.tokens += 1
            return Heard(200, {}, (SAMPLES / "token-200.json").read_bytes())
        self.asked.append((path, dict(headers), json.loads(data)))
        answer = self.answers.pop(0)
        if isinstance(answer, Heard):
            return answer
        return Heard(200, {}, (SAMPLES / answer).read_bytes() if isinstance(answer, str) else answer)


@pytest.fixture(autouse=True)
def _no_token():
    asking.tokens.forget()


@pytest.fixture
def chorus(tmp_path) -> SimulatedChorus:
    return SimulatedChorus(tmp_path, now)


def test_a_list_is_read_page_after_page_and_an_empty_one_is_not_a_silence() -> None:
    wire = Recorded("rechercher-recipiendaire-page1.json", "rechercher-recipiendaire-page2.json")
    pages = list(Client(wire, WHO).changed(STRUCTURE, "FACTURE", SINCE))
    assert [[row.id for row in page] for page in pages] == [[9100001, 9100002], [9100003]]
    path, headers, question = wire.asked[1]
    assert path == "factures/v1/rechercher/recipiendaire"
    assert question["paramRecherche"]["pageResultatDemandee"] == 2
    assert question["periodeDateHeureEtatCourantDu"] == SINCE
    assert "factureTelechargeeParDestinataire" not in question  # another tool may have fetched it
    assert headers["Authorization"].startswith("Bearer ")
    assert headers["cpro-account"] == WHO.account
    assert wire.tokens == 1  # one serves both calls
    # Page fields inside `parametresRetour`, null ones, an end told by 20000
    assert [
        row.id
        for page in Client(Recorded("rechercher-atraiter-200.json"), WHO).changed(1, "FACTURE", SINCE)
        for row in page
    ] == [9100001]
    assert (
        list(Client(Recorded("rechercher-recipiendaire-vide.json"), WHO).changed(1, "FACTURE", SINCE)) == []
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<!DOCTYPE html><html>maintenance",
        b"[]",
        b"{}",
        b'{"codeRetour": null}',
        b'{"codeRetour": 0, "listeFactures": []}',
    ],
)
def test_what_is_no_answer_is_a_silence_and_never_an_empty_list(body) -> None:
    with pytest.raises(Silent):
        list(Client(Recorded(body), WHO).changed(1, "FACTURE", SINCE))


def test_numbers_come_as_text_and_values_as_null() -> None:
    odd = {"codeRetour": "0", "libelle": None, "pageCourante": "1", "pages": "1", "futur": {}, "listeFactures": [
        {"idFacture": "3346947", "numeroFacture": 12, "montantTTC": None, "codeServiceExecutant": None}
    ]}  # fmt: skip
    ((row,),) = Client(Recorded(json.dumps(odd).encode()), WHO).changed(1, "FACTURE", SINCE)
    assert (row.id, row.number, row.total, row.service) == (3346947, "12", "", "")


def test_a_refusal_is_told_with_its_code_and_never_taken_for_a_success() -> None:
    for sample, code in (
        ("traiter-recue-transition-refusee.json", 20002),
        ("traiter-recue-habilitation.json", 20001),
    ):
        with pytest.raises(Refused) as refused:
            Client(Recorded(sample), WHO).treat(1, "SERVICE_FAIT", "", "")
        assert refused.value.code == code


def test_each_status_of_the_line_says_what_to_do(chorus) -> None:
    number = deposits.deposit(chorus, deposits.PDF, now())
    client = Client(chorus, WHO)
    for play, fault, words in (
        (SILENCE, Silent, "silence"),
        (RIGHT, Barred, "habilite"),
        (QUOTA, Silent, "429"),
        (BROKEN, Silent, "HTTP 500"),
        (PAGE, Silent, "maintenance"),
    ):
        chorus.play(play, 1)
        with pytest.raises(fault, match=words):
            client.structures()
    chorus.play(QUOTA, 1)
    with pytest.raises(Silent) as slow:
        client.structures()
    assert slow.value.seconds == 5.0
    chorus.play(LARGE, 1)
    with pytest.raises(TooBig):
        client.pivot(number)
    chorus.play(ACCOUNT, 1)
    assert client.structures()  # one refusal: another token is asked, once
    chorus.play(ACCOUNT, 2)
    with pytest.raises(Barred, match="compte technique"):
        client.structures()
    assert chorus.waiting() == []
    with pytest.raises(Barred, match="compte technique"):
        Client(chorus, Identity(CLIENT, SECRET, LOGIN, "périmé")).structures()
    asking.tokens.forget()
    with pytest.raises(Barred, match="PISTE"):
        Client(chorus, Identity(CLIENT, "faux", LOGIN, PASSWORD)).structures()


def test_what_was_written_before_the_answer_was_lost_is_not_said_to_have_failed(chorus) -> None:
    number = deposits.deposit(chorus, deposits.PDF, now())
    client = Client(chorus, WHO)
    chorus.play(LOST, 1)
    with pytest.raises(Lost):
        client.treat(number, "SUSPENDUE", "Bon de livraison manquant", "")
    assert client.history(number).status == "SUSPENDUE"
    for play in (BROKEN, PAGE):
        chorus.play(play, 1)
        with pytest.raises(Lost):
            client.treat(number, "REJETEE", "AUTRE : essai", "")


def test_a_lucky_client_reads_the_same_through_a_line_that_fails(tmp_path) -> None:
    chorus = SimulatedChorus(tmp_path, now, failing=0.3, chance=random.Random(3))
    client, answers, silences = Client(chorus, WHO), 0, 0
    for _ in range(60):
        try:
            answers += len(client.structures())
        except Silent:
            silences += 1
    assert answers + silences == 60
    assert answers > 20
    assert silences > 5
