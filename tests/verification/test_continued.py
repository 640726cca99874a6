"""A file that goes on after a signature: its pages before and after, what was signed apart, and nothing kept."""

import base64
import html
import io
import re
from datetime import UTC, datetime

import pytest
import time_machine
from PIL import Image
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name, pdf_string
from werkzeug.datastructures import FileStorage

from app.core.clock import now
from app.pdf.pictures import LESS, MORE, Pair, pictures
from app.verification import continued
from app.verification.verdict import dump, load
from tests.builders.house import token_in
from tests.builders.verify import verify
from tests.rights.looking import snapshot
from tests.verification import corpus
from tests.verification.corpus import changed
from tests.verification.test_attestation import packed
from tests.verification.test_pages import PUBLIC, ask, text

on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
ORANGE = (0x76, 0x48, 0x00)


def carried(page: str, attribute: str, kind: str) -> list[bytes]:
    found = re.findall(rf'{attribute}="data:{kind};base64,([^"]+)"', page)
    return [base64.b64decode(html.unescape(one)) for one in found]


@on_sqlite
def test_what_was_added_is_framed_and_what_was_signed_is_given_apart(house, made, monkeypatch):
    signed, client = made.signed(), house.client()
    forged = changed(signed, corpus.overlay)
    house.an_invoice(at="draft")
    before = snapshot(house.settings.data_dir)
    page = ask(client, PUBLIC, forged, name="arrêté 204.pdf").get_data(as_text=True)
    told = re.sub(r"[\s\u00a0\u202f]+", "", page)
    assert (
        f"Ses{len(signed)}premiersoctets,sur{len(forged)},sontceuxquiontétésignés;{len(forged) - len(signed)}sontvenusensuite"
        in told
    )
    assert "Aucunesignatureintactenecouvrecequiaétéajouté" in told
    assert "aprèslasignatured’ArmelKERVADEC" in told
    was, now_is, over = (Image.open(io.BytesIO(one)) for one in carried(page, "src", "image/png"))
    assert was.size == now_is.size == over.size
    assert (ORANGE in colours(was), ORANGE in colours(now_is)) == (False, True)
    assert "Superposer les deux" in page
    assert MORE in colours(over)
    assert carried(page, "href", "application/pdf") == [signed]
    assert 'download="arrêté 204-version-signee.pdf"' in page

    # Too large for the page: the very file is asked again, and no other is cut
    monkeypatch.setattr(continued, "LARGEST_IN_PAGE", 1000)
    page = ask(client, PUBLIC, forged).get_data(as_text=True)
    assert carried(page, "href", "application/pdf") == []
    for data, status in ((forged, 200), (signed, 422), (forged + b"\n", 422)):
        form = {"csrf_token": token_in(page), "answer": packed(page)}
        form["file"] = FileStorage(io.BytesIO(data), filename="encore.pdf")
        answer = client.post("/verifier/version-signee", data=form)
        assert answer.status_code == status
        assert (answer.data == signed) == (status == 200)
    assert answer.status_code == 422
    assert "n’est pas celui qui vient d’être vérifié" in text(answer)
    assert snapshot(house.settings.data_dir) == before

    # What came after a valid signature needs no picture, nor what is no longer the signed bytes a version
    for data in (made.two(), corpus.one_byte(forged), corpus.DOCUMENT):
        page = ask(client, PUBLIC, data).get_data(as_text=True)
        assert "ajouté après la signature" not in page
        assert "data:image" not in page


def colours(picture: Image.Image) -> set:
    return {colour for _, colour in picture.convert("RGB").getcolors(1 << 24)}


@on_sqlite
def test_the_pages_of_a_kept_file_are_for_who_reads_the_folder_alone(house, made):
    signed = made.signed()
    forged = changed(signed, corpus.overlay)
    folder_id = house.a_document(forged, "plan.pdf")
    version = house.versions(folder_id)[-1]
    here = f"/dossiers/{folder_id}/documents/{version.document_id}/{version.number}/signatures"
    client = house.client("k.morizur")
    assert client.get(f"{here}/avant-apres").status_code == 404  # not judged yet
    client.post(here, data={"csrf_token": house.csrf(client)})
    kept = client.get(here).get_data(as_text=True)
    assert (f'href="{here}/avant-apres"' in kept, f'action="{here}/verdict"' in kept) == (True, True)
    page = client.get(f"{here}/avant-apres").get_data(as_text=True)
    assert len(carried(page, "src", "image/png")) == 3  # before, after, one upon the other
    answer = client.get(f"{here}/version-signee")
    assert (answer.data, answer.mimetype) == (signed, "application/pdf")
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="plan-version-signee.pdf"')
    stranger = house.client("g.trehorel")
    assert {stranger.get(f"{here}/{one}").status_code for one in ("avant-apres", "version-signee")} == {404}


def test_what_cannot_be_drawn_is_not_counted(made, tmp_path):
    signed = made.signed()
    path = tmp_path / "file.pdf"
    path.write_bytes(signed + b"rien")
    assert pictures(path, len(signed)).pairs == ()
    path.write_bytes(b"%PDF-1.7 rien")
    assert (pictures(path, 5).looked_at, pictures(path, 5).pages) == (0, 0)
    path.write_bytes(changed(signed, corpus.other_text))
    (pair,) = pictures(path, len(signed)).pairs
    assert isinstance(pair, Pair)
    assert pair.frames
    over = colours(Image.open(io.BytesIO(pair.over)))
    assert {MORE, LESS} <= over  # the words of before, blue, under those that came
    assert all(colour in (MORE, LESS) or (len(set(colour)) == 1 and colour[0] >= 0xB0) for colour in over)


def test_what_the_file_says_of_the_day_it_was_changed_is_its_own_word(made, tmp_path):
    def dated(writer) -> None:
        said = {pdf_name("/ModDate"): pdf_string("D:20200101000000Z")}  # whoever saves writes the day over it
        writer.set_info(writer.add_object(generic.DictionaryObject(said)))
        corpus.overlay(writer)

    signed, path = made.signed(), tmp_path / "file.pdf"
    said_at = datetime(2026, 11, 26, 8, 14, tzinfo=UTC)
    with time_machine.travel(said_at, tick=False):
        path.write_bytes(changed(signed, dated))
    (verdict,) = verify(path, made.trust, now())
    assert verdict.added_at == said_at
    assert (verdict.continued, verdict.signed_bytes) == (True, len(signed))
    assert load(dump([verdict])) == (verdict,)
    # Before its header a file has bytes that two readers count in two ways: no version of it is given apart
    path.write_bytes(b"junk\n" + path.read_bytes())
    (verdict,) = verify(path, made.trust, now())
    assert not verdict.continued
