"""The pages that judge files: anybody's file, kept nowhere; hostile files, refused in time; a folder's own documents."""

import io
import re
import tempfile
import zlib
from contextlib import ExitStack
from io import BytesIO

import pytest
import sqlalchemy as sa
from PIL import Image
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from app.core.clock import now
from app.core.db import engine, reading
from app.signing.formats import pades
from app.signing.keys.pkcs12 import Pkcs12Key
from app.signing.ports import FieldPlan
from app.signing.verdicts import content
from app.verification import records
from app.verification.models import VerdictRecord
from app.verification.slots import place
from tests.builders import pes
from tests.builders.confined import asked
from tests.builders.house import token_in
from tests.rights.looking import snapshot
from tests.verification import corpus
from tests.verification.corpus import DOCUMENT, changed

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
PUBLIC, SIGNED_IN = "/verifier", "/compte/verifier"


def ask(client, address: str, data: bytes, content: bytes | None = None, name: str = "acte.pdf"):
    token = token_in(client.get(address).get_data(as_text=True))
    form = {"csrf_token": token, "file": FileStorage(io.BytesIO(data), filename=name)}
    if content is not None:
        form["content"] = FileStorage(io.BytesIO(content), filename="contenu.xml")
    # Encoded here: the test client leaves the temporary file of a large form open
    boundary, body = encode_multipart(form)
    return client.post(address, data=body, content_type=f"multipart/form-data; boundary={boundary}")


def text(answer) -> str:
    return re.sub(r"[\s\u00a0\u202f]+", " ", answer.get_data(as_text=True))


def test_anybody_reads_the_verdict_on_a_file_without_an_account(house, made):
    answer = ask(house.client(), PUBLIC, made.two())
    page = text(answer)
    assert answer.status_code == 200
    assert page.count("Signature valide") == 2
    assert "<title>Les 2 signatures sont valides : acte.pdf · Paraphe</title>" in page
    assert re.search(r'id="verdicts" [^>]*autofocus', page)
    for words in ("Armel KERVADEC", "Bleuenn CADIOU", "TOTAL-PASSED", "AC racine d’essai", "heure prouvée"):
        assert words in page
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_tampered_file_is_said_invalid_and_an_unknown_authority_undecided(house, made):
    client = house.client()
    assert "Signature invalide" in text(ask(client, PUBLIC, changed(made.signed(), corpus.overlay)))
    assert "Verdict indéterminé" in text(ask(client, PUBLIC, made.signed("foreign_root")))
    assert "Aucune signature" in text(ask(client, PUBLIC, DOCUMENT))


def test_a_declared_title_is_told_as_what_the_signer_says_and_never_as_who_he_is(house, made, tmp_path):
    source, target = tmp_path / "act.pdf", tmp_path / "signed.pdf"
    source.write_bytes(DOCUMENT)
    key = Pkcs12Key.load(made.pki.p12("b_cadiou"), made.pki.passphrase)
    plan = {"field": "un", "fields": [FieldPlan("un", None)], "stamp": None, "timestamper": None}
    pades.seal(source, target, key=key, now=now(), reason="Préfet du Finistère", **plan)
    page = text(ask(house.client(), PUBLIC, target.read_bytes()))
    assert re.search(r"Motif indiqué par le signataire</dt> <dd> Préfet du Finistère", page)
    assert "CADIOU, Préfet" not in page


def test_a_separate_signature_is_judged_with_its_content(house, made):
    container, content = made.cms()
    client = house.client()
    assert "Signature valide" in text(ask(client, PUBLIC, container, content, "marche.p7s"))
    assert "Signature invalide" in text(ask(client, PUBLIC, container, b"autre", "marche.p7s"))
    alone = ask(client, PUBLIC, container, name="marche.p7s")
    assert (alone.status_code, "Joignez aussi le fichier" in text(alone)) == (422, True)


def test_nothing_of_a_verified_file_is_kept(house, made, monkeypatch, tmp_path):
    room = tmp_path / "temporary"
    room.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(room))
    house.an_invoice(at="draft")
    before, files = snapshot(house.settings.data_dir), sorted(house.settings.data_dir.rglob("*"))
    assert ask(house.client(), PUBLIC, made.signed()).status_code == 200
    assert ask(house.client(), PUBLIC, made.signed() + b"%" * 600_000).status_code == 422
    assert ask(house.client(), PUBLIC, b"%PDF-1.7 rien").status_code == 422
    assert snapshot(house.settings.data_dir) == before
    kept = set(house.settings.data_dir.rglob("*")) - set(files)
    # Tries are counted, by address and by the minute: nothing of the file
    counted = {"limites.db", "limites.db-wal", "limites.db-shm"}
    assert {one.name for one in kept if "templates" not in one.parts} <= counted
    assert list(room.iterdir()) == []


def test_the_page_asks_for_its_token_as_every_other(house):
    answer = house.client().post(PUBLIC, data={"file": (io.BytesIO(DOCUMENT), "a.pdf")})
    assert answer.status_code == 400


def test_a_file_over_the_limit_is_refused_before_it_is_read(house):
    answer = ask(house.client(), PUBLIC, b"%PDF-1.7" + b"0" * (26 * 1024 * 1024))
    assert answer.status_code == 413
    assert "Rien n’a été vérifié : ce fichier dépasse la limite de 25 Mo" in text(answer)


def test_an_address_may_not_ask_without_end(house, made):
    client = house.client()
    told = [ask(client, PUBLIC, b"rien").status_code for _ in range(11)]
    assert told == [415] * 10 + [429]


def test_no_more_files_at_once_than_the_setting_says(house, made):
    client, data = house.client(), made.signed()
    with ExitStack() as held:
        for _ in range(house.settings.verify_at_once):
            held.enter_context(place())
        assert ask(client, PUBLIC, data).status_code == 503
    assert ask(client, PUBLIC, data).status_code == 200


def test_somebody_who_is_logged_in_has_the_page_in_the_house(house, made):
    page = text(ask(house.client("g.trehorel"), SIGNED_IN, made.signed()))
    assert "Signature valide" in page
    assert "Mon compte" in page


def test_the_report_leaves_with_the_answer(house, made):
    page = ask(house.client(), PUBLIC, made.signed()).get_data(as_text=True)
    import base64

    (data,) = re.findall(r'href="data:application/xml;base64,([^"]+)"', page)
    assert b"urn:etsi:019102:mainindication:total-passed" in base64.b64decode(data)


# hostile files


def many_revisions(signed: bytes) -> bytes:
    data = bytearray(signed)
    last = int(data[data.rindex(b"startxref") + 9 :].split()[0])
    root = re.findall(rb"/Root (\d+ 0 R)", signed)[-1]
    for _ in range(10_000):
        at = len(data) + 1
        data += b"\nxref\n0 0\ntrailer\n<</Size 9000/Root %b/Prev %d>>\nstartxref\n%d\n%%%%EOF" % (
            root,
            last,
            at,
        )
        last = at
    return bytes(data)


def deep_pages() -> bytes:
    body, places = bytearray(b"%PDF-1.7\n"), []
    count = 60_000
    for number in range(1, count):
        places.append(len(body))
        kind = (
            b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[2 0 R]>>>>"
            if number == 1
            else (b"<</Type/Pages/Count 1/T(a)/FT/Sig/V %d 0 R/Kids[%d 0 R]>>" % (number + 1, number + 1))
        )
        body += b"%d 0 obj %b endobj\n" % (number, kind)
    start = len(body)
    body += b"xref\n0 %d\n0000000000 65535 f \n" % count
    body += b"".join(b"%010d 00000 n \n" % one for one in places)
    return bytes(body) + b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (count, start)


def deep_page_tree(signed: bytes) -> bytes:
    """A signed file, and one more revision whose pages hang thirty thousand levels deep."""
    data = bytearray(signed + b"\n")
    last = int(signed[signed.rindex(b"startxref") + 9 :].split()[0])
    root = int(re.findall(rb"/Root (\d+) 0 R", signed)[-1])
    first, count, places = 20_000, 30_000, []
    for number in range(first, first + count):
        places.append(len(data))
        data += b"%d 0 obj<</Type/Pages/Count 1/Kids[%d 0 R]>>endobj\n" % (number, number + 1)
    catalog = len(data)
    form = re.findall(rb"/AcroForm (\d+ 0 R)", signed)[-1]
    data += b"%d 0 obj<</Type/Catalog/Pages %d 0 R/AcroForm %b>>endobj\n" % (root, first, form)
    start = len(data)
    data += b"xref\n%d 1\n%010d 00000 n \n%d %d\n" % (root, catalog, first, count)
    data += b"".join(b"%010d 00000 n \n" % one for one in places)
    data += b"trailer<</Size %d/Root %d 0 R/Prev %d>>\nstartxref\n%d\n%%%%EOF" % (
        first + count,
        root,
        last,
        start,
    )
    return bytes(data)


def inflating_objects() -> bytes:
    """An object stream of a few hundred kilobytes that inflates to a gigabyte."""
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(b"0 " * 500_000) for _ in range(1000)) + packer.flush()
    body = bytearray(b"%PDF-1.7\n")
    first = len(body)
    body += b"1 0 obj<</Type/ObjStm/N 1000000/First 10/Filter/FlateDecode/Length %d>>stream\n" % len(packed)
    body += packed + b"\nendstream endobj\n"
    start = len(body)
    rows = b"".join(
        bytes((kind,)) + where.to_bytes(4, "big") + extra.to_bytes(2, "big")
        for kind, where, extra in ((0, 0, 65535), (1, first, 0), (2, 1, 0), (2, 1, 1))
    )
    body += b"4 0 obj<</Type/XRef/Size 4/Root 2 0 R/W[1 4 2]/Length %d>>stream\n" % len(rows)
    return bytes(body) + rows + b"\nendstream endobj\nstartxref\n%d\n%%%%EOF" % start


def nested(depth: int = 200_000) -> bytes:
    return (
        b"%PDF-1.7\n1 0 obj"
        + b"[" * depth
        + b"]" * depth
        + b"endobj\ntrailer<</Root 1 0 R>>\nstartxref\n9\n%%EOF"
    )


def entities() -> bytes:
    lines = [b'<!DOCTYPE l [<!ENTITY a0 "ha">']
    lines += [b'<!ENTITY a%d "%b">' % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 12)]
    return b'<?xml version="1.0"?>' + b"".join(lines) + b"]><PES_Aller>&a11;</PES_Aller>"


def wide_cms() -> bytes:
    """A container of a million empty signers."""
    oid = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"
    infos = b"\x30\x00" * 1_000_000
    inner = b"\x02\x01\x01\x31\x00\x30\x0b\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01" + der(0x31, infos)
    return der(0x30, oid + der(0xA0, der(0x30, inner)))


def der(tag: int, body: bytes) -> bytes:
    size = len(body).to_bytes(4, "big")
    return bytes((tag, 0x84)) + size + body


HOSTILE = {
    "ten thousand revisions": lambda c: many_revisions(c.signed()),
    "pages without bottom": lambda c: deep_pages(),
    "page tree without bottom": lambda c: deep_page_tree(c.signed()),
    "objects that inflate to a gigabyte": lambda c: inflating_objects(),
    "arrays without bottom": lambda c: nested(),
    "entities": lambda c: entities(),
    "a million signers": lambda c: wide_cms(),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_in_french_in_time_and_memory(house, made, name):
    client, data = house.client(), HOSTILE[name](made)
    client.get(PUBLIC)
    with asked() as answers:
        answer = ask(client, PUBLIC, data)
    assert answer.status_code in {413, 415, 422}
    assert re.search("Rien n’a été (vérifié|fait)", text(answer))
    assert sum(one.cpu_seconds for one in answers) < 1.5
    assert [one.megabytes for one in answers if one.megabytes >= 120] == []  # 76 of them shared


# the documents of a folder


def signatures_url(house, folder_id: int) -> str:
    version = house.versions(folder_id)[-1]
    return f"/dossiers/{folder_id}/documents/{version.document_id}/{version.number}/signatures"


def test_the_folder_page_asks_for_the_verdict_and_then_remembers_it(house):
    folder_id = house.a_deliberation(at="prefecture")
    client = house.client("k.morizur")
    address = signatures_url(house, folder_id)
    before = text(client.get(f"/dossiers/{folder_id}?onglet=pieces"))
    assert f'hx-post="{address}"' in before
    assert "Valable" not in before
    token = token_in(client.get(f"/dossiers/{folder_id}").get_data(as_text=True))
    lines = text(client.post(address, data={"csrf_token": token}, headers={"HX-Request": "true"}))
    assert lines.count("Valable : document") == 2
    after = text(client.get(f"/dossiers/{folder_id}?onglet=pieces"))
    assert after.count("Valable : document") == 2
    assert f'hx-post="{address}"' not in after
    with reading() as db:
        (row,) = db.scalars(sa.select(VerdictRecord)).all()
    assert row.sha256 == house.versions(folder_id)[-1].sha256
    details = text(client.get(address))
    assert details.count("Signature valide") == 2


def test_the_report_on_a_kept_signature_is_a_file(house):
    folder_id = house.a_deliberation(at="prefecture")
    client, address = house.client("k.morizur"), signatures_url(house, folder_id)
    assert client.get(f"{address}/1").status_code == 404
    client.post(address, data={"csrf_token": house.csrf(client)})
    answer = client.get(f"{address}/2")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert b"mainindication:total-passed" in answer.data
    assert client.get(f"{address}/3").status_code == 404
    assert client.get(f"{address}/0").status_code == 404


def test_a_stranger_to_the_folder_learns_nothing_of_its_signatures(house):
    folder_id = house.a_deliberation(at="prefecture")
    client, address = house.client("g.trehorel"), signatures_url(house, folder_id)
    assert client.get(address).status_code == 404
    assert client.post(address, data={"csrf_token": house.csrf(client)}).status_code == 404
    assert house.client().get(address).status_code == 302


def test_another_trust_or_another_day_makes_the_verdict_be_asked_again(house):
    folder_id = house.a_deliberation(at="prefecture")
    client, address = house.client("k.morizur"), signatures_url(house, folder_id)
    client.post(address, data={"csrf_token": house.csrf(client)})
    with engine().begin() as connection:
        connection.execute(sa.text("UPDATE verdict_record SET epoch = 'before'"))
    assert f'hx-post="{address}"' in text(client.get(f"/dossiers/{folder_id}?onglet=pieces"))
    client.post(address, data={"csrf_token": house.csrf(client)})
    assert f'hx-post="{address}"' not in text(client.get(f"/dossiers/{folder_id}?onglet=pieces"))
    with engine().begin() as connection:
        connection.execute(sa.text("UPDATE verdict_record SET judged_at = '2026-01-01 00:00:00'"))
    assert f'hx-post="{address}"' in text(client.get(f"/dossiers/{folder_id}?onglet=pieces"))


def test_a_deposited_file_shows_the_verdict_on_signatures_from_elsewhere(house, made, tmp_path):
    path = tmp_path / "signe.pdf"
    path.write_bytes(made.signed("foreign_root"))
    folder_id = house.deposit("k.morizur", "deliberation", path)
    client, address = house.client("k.morizur"), signatures_url(house, folder_id)
    client.post(address, data={"csrf_token": house.csrf(client)})
    assert "Verdict indéterminé" in text(client.get(address))
    assert "n’est pas reconnue ici" in text(client.get(address))


def test_a_signed_accounting_flow_is_judged_bordereau_by_bordereau(house, pki, tmp_path):
    # A flow carries its signer's certificate alone, which says where that of its issuer is.
    mayor = Pkcs12Key.load(pki.p12("card_rsa"), pki.passphrase)
    _, target = pes.signed(tmp_path, mayor, pes.sample("depense_2_bordereaux"))
    client, flow = house.client(), target.read_bytes()
    page = text(ask(client, PUBLIC, flow, name="PES.xml"))
    assert page.count("Signature valide") == 2
    assert page.count("Valable : bordereau inchangé depuis la signature") == 2
    for words in ("Bleuenn CADIOU (carte)", "XAdES-EPES", "Bordereau « BD2025-000001 »"):
        assert words in page
    page = text(ask(client, PUBLIC, flow.replace(b'<MtBordHT V="', b'<MtBordHT V="9', 1), name="PES.xml"))
    assert (page.count("Signature invalide"), page.count("Signature valide")) == (1, 1)
    assert "l’élément a été modifié après la signature" in page
    hostile = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><PES_Aller>&a;</PES_Aller>'
    refused = ask(client, PUBLIC, hostile, name="PES.xml")
    assert (refused.status_code, "DOCTYPE" in text(refused)) == (422, True)


def test_who_opens_a_folder_while_all_turns_are_taken_is_told_so_and_holds_no_thread(house, monkeypatch):
    folder_id = house.an_invoice(at="bon_a_payer")
    (version,) = house.versions(folder_id)
    monkeypatch.setattr(records, "WAIT", 0.05)
    client = house.client("a.kervadec")
    form = {"csrf_token": house.csrf(client)}
    address = f"/dossiers/{folder_id}/documents/{version.document_id}/{version.number}/signatures"
    with ExitStack() as held:
        for _ in range(house.settings.verify_at_once):
            held.enter_context(place())
        busy = client.post(address, data=form)
    assert (busy.status_code, "trop de fichiers" in text(busy)) == (503, True)
    assert client.post(address, data=form).status_code == 302


def a_signature_beside(house, form: str) -> tuple[int, str]:
    """A document that the mayor signed as it came, and where the verdict on the signature beside it is asked."""
    data = b'<?xml version="1.0" encoding="UTF-8"?>\n<budget/>'
    name = "plan.png" if form == "cades" else "budget.xml"
    if form == "cades":
        picture = BytesIO()
        Image.new("RGB", (40, 20), "white").save(picture, "PNG")
        data = picture.getvalue()
    folder_id = house.a_document(data, name)
    house.sign(folder_id, "a.kervadec")
    (beside,) = house.versions(folder_id, "signature")
    return folder_id, f"/dossiers/{folder_id}/documents/{beside.document_id}/1/signatures"


@pytest.mark.parametrize("form", ["cades", "xades"])
def test_a_signature_beside_the_document_of_a_folder_is_judged_with_that_document(house, form):
    folder_id, address = a_signature_beside(house, form)
    client = house.client("k.morizur")
    lines = client.post(address, data={"csrf_token": house.csrf(client)}, headers={"HX-Request": "true"})
    assert (lines.status_code, text(lines).count("Valable : document")) == (200, 1)
    assert "Signature valide" in text(client.get(address))
    assert b"mainindication:total-passed" in client.get(f"{address}/1").data
    # Remembered for both files: another document beside the same signature would be judged anew
    (main,) = house.versions(folder_id)
    with reading() as db:
        (row,) = db.scalars(sa.select(VerdictRecord)).all()
        (beside,) = house.versions(folder_id, "signature")
        assert content.content_of(db, beside) == main.sha256
        assert content.content_of(db, main) is None
    assert row.sha256 == records.key_of(beside.sha256, main.sha256)
    assert row.sha256 not in {beside.sha256, records.key_of(beside.sha256, beside.sha256)}


def test_an_xml_signature_is_judged_with_its_content_on_the_public_page(house, made):
    signature, content = made.beside("xades")
    client = house.client()
    page = text(ask(client, PUBLIC, signature, content, "budget.xades.xml"))
    assert "Signature valide" in page
    assert "signature séparée (XAdES)" in page.replace("Signature séparée", "signature séparée")
    assert "Signature invalide" in text(ask(client, PUBLIC, signature, content + b" ", "budget.xades.xml"))
    alone = ask(client, PUBLIC, signature, name="budget.xades.xml")
    assert (alone.status_code, "Joignez aussi le fichier" in text(alone)) == (422, True)
    other = ask(client, PUBLIC, b'<Signature xmlns="urn:autre"/>', content, "autre.xml")
    assert (other.status_code, "n’est pas lisible" in text(other)) == (422, True)
