"""The verdict as a PDF: what it says, what seals it, and that nothing had to be kept for it."""

import hashlib
import html
import re
import subprocess

import pytest

from app.core.clock import now
from app.trust import authorities
from app.verification import attestation
from tests.builders.house import token_in
from tests.builders.settings import take_settings
from tests.builders.verify import verify
from tests.rights.looking import snapshot
from tests.verification import corpus
from tests.verification.test_pages import PUBLIC, SIGNED_IN, ask

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
ATTEST = "/verifier/verdict"


def words_of(data: bytes) -> str:
    done = subprocess.run(["pdftotext", "-layout", "-", "-"], input=data, capture_output=True, check=True)
    return re.sub(r"\s+", " ", done.stdout.decode())


def packed(page: str) -> str:
    return html.unescape(re.search(r'name="answer" value="([^"]+)"', page)[1])


def attested(client, shown, address=ATTEST):
    page = shown.get_data(as_text=True)
    assert f'action="{address}"' in page
    return client.post(address, data={"csrf_token": token_in(page), "answer": packed(page)})


def sealed_by(data: bytes, tmp_path) -> list:
    (tmp_path / "verdict.pdf").write_bytes(data)
    return list(verify(tmp_path / "verdict.pdf", authorities.trust(), now()))


def test_anybody_takes_the_verdict_away_sealed_with_the_fingerprint_of_the_file(house, made, tmp_path):
    data, client = made.two(), house.client()
    house.an_invoice()
    before = snapshot(house.settings.data_dir)
    answer = attested(client, ask(client, PUBLIC, data, name="délibération.pdf"))
    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    words = words_of(answer.data)
    for said in (
        hashlib.sha256(data).hexdigest(),
        "délibération.pdf",
        "Signature 1 : Armel KERVADEC",
        "Signature 2 : Bleuenn CADIOU",
        "Verdict : valide. Valable : document complété depuis la signature",
        "heure prouvée par un horodatage",
        "émis par « AC des signataires d’essai (FACTICE) »",
        "TOTAL-PASSED",
        "cachet électronique « Cachet de la commune de Kerlann-sur-Mer »",
    ):
        assert said in words, said
    (seal,) = sealed_by(answer.data, tmp_path)
    assert (seal.verdict, seal.name, seal.covers_whole) == (
        "valide",
        "Cachet de la commune de Kerlann-sur-Mer",
        True,
    )
    assert seal.timestamped_at is None  # a stranger buys us no timestamp
    assert snapshot(house.settings.data_dir) == before


def test_the_seal_of_an_agents_verdict_is_timestamped(house, made, tmp_path):
    client = house.client("k.morizur")
    answer = attested(client, ask(client, SIGNED_IN, made.signed()), "/compte/verifier/verdict")
    (seal,) = sealed_by(answer.data, tmp_path)
    assert (seal.verdict, seal.level) == ("valide", "B-T")
    assert "Par Paraphe, Kerlann-sur-Mer" in words_of(answer.data)


def test_without_a_seal_it_says_so_and_pretends_nothing(house, made, tmp_path):
    take_settings(house.settings.model_copy(update={"seal_p12": None}))
    client = house.client()
    shown = ask(client, PUBLIC, made.signed())
    assert "Télécharger le verdict (PDF sans cachet)" in shown.get_data(as_text=True)
    answer = attested(client, shown)
    assert 'filename="verdict-sans-cachet.pdf"' in answer.headers["Content-Disposition"]
    assert "Ce document ne porte aucun cachet" in words_of(answer.data)
    assert "cachet électronique" not in words_of(answer.data)
    assert sealed_by(answer.data, tmp_path) == []


def test_a_seal_that_cannot_serve_gives_no_document(house, made):
    bad = house.settings.model_copy(update={"seal_p12": house.pki.p12("revoked")})
    take_settings(bad)
    client = house.client()
    answer = attested(client, ask(client, PUBLIC, made.signed()))
    assert answer.status_code == 503
    assert "Aucun document n’a été produit" in answer.get_data(as_text=True)


@pytest.mark.parametrize("change", ["forged", "late", "none"])
def test_only_what_we_answered_lately_is_sealed(house, made, monkeypatch, change):
    client = house.client()
    page = ask(client, PUBLIC, made.signed()).get_data(as_text=True)
    # The first letter of a base64 text carries six whole bits: the last one may carry none
    # that anybody reads, and another letter there can spell the same bytes.
    whole = packed(page)
    forged = ("B" if whole[0] == "A" else "A") + whole[1:]
    text = {"forged": forged, "late": whole, "none": ""}[change]
    if change == "late":
        monkeypatch.setattr(attestation, "GOOD_FOR", -1)
    answer = client.post(ATTEST, data={"csrf_token": token_in(page), "answer": text})
    assert answer.status_code == 410
    assert "Ce verdict n’est plus là" in answer.get_data(as_text=True)
    huge = client.post(ATTEST, data={"csrf_token": token_in(page), "answer": "x" * 2_000_000})
    told = huge.get_data(as_text=True)
    assert (huge.status_code, "déposé" in told, "Aller à la connexion" in told) == (413, False, False)
    assert "n’est pas le verdict que cette page a montré" in told


def test_a_tampered_file_is_attested_as_tampered_and_one_without_signature_as_such(house, made):
    client = house.client()
    words = words_of(attested(client, ask(client, PUBLIC, corpus.one_byte(made.signed()))).data)
    assert "Verdict : invalide. Non valable : le document a été modifié après la signature." in words
    assert "Que faire Ne vous servez pas de ce fichier" in words
    page = ask(client, PUBLIC, corpus.DOCUMENT)
    assert "PDF. Lu le" in page.get_data(as_text=True)
    words = words_of(attested(client, page).data)
    assert "PDF signé" not in words
    assert "Nature PDF Empreinte" in words
    assert "Ce fichier ne porte aucune signature électronique." in words


def test_the_verdict_on_a_folders_document_is_taken_from_its_page(house, made):
    client = house.client("k.morizur")
    folder_id = house.a_document(made.signed(), "plan.pdf")
    version = house.versions(folder_id)[-1]
    here = f"/dossiers/{folder_id}/documents/{version.document_id}/{version.number}/signatures"
    token = {"csrf_token": token_in(client.get(here).get_data(as_text=True))}
    assert client.post(f"{here}/verdict", data=token).status_code == 404
    client.post(here, data=token)
    answer = client.post(f"{here}/verdict", data=token)
    words = words_of(answer.data)
    assert version.sha256 in words
    assert "plan.pdf" in words
    assert house.client("g.trehorel").post(f"{here}/verdict", data=token).status_code in {400, 403, 404}
