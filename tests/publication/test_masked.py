"""A masked version is published in place of the original, which the public is never given; nothing that it hides stays in it."""

import pytest
from pikepdf import Pdf

from app.core.clock import today
from app.core.db import reading
from app.core.refusals import Refusal
from app.folders import decide
from app.folders.access import authorize
from app.folders.keep import Incoming, keep_masked
from app.publication import publishing, record
from tests.builders.house import ACT, House, token_in
from tests.publication.town import TITLE, a_masked_pdf, act_of, address, mask, page, visitor
from workflows import family as families

pytestmark = pytest.mark.in_turn


@pytest.fixture
def only_masked() -> object:
    made = families.family("deliberation")
    object.__setattr__(made, "publication", "masked")
    yield
    object.__setattr__(made, "publication", "online")


@pytest.fixture
def never_online() -> object:
    made = families.family("deliberation")
    object.__setattr__(made, "publication", "none")
    yield
    object.__setattr__(made, "publication", "online")


@pytest.mark.law("PUB-04")
def test_a_masked_version_goes_online_alone_and_the_original_stays_inside(house: House) -> None:
    folder_id = house.a_deliberation(at="publication")
    mask(house, folder_id)
    house.publish(folder_id)
    shown = page(house, address(folder_id))
    assert "Version occultée" in shown
    assert "distinct de l’original signé" in shown
    assert TITLE in shown
    for words in (
        "Cercle nautique",
        "Jeanne Martin",
    ):  # the folder's title, the name of the file that was sent
        assert words not in shown
        assert words not in page(house, "/actes/kerlann-sur-mer")
        assert words not in page(house, "/actes/kerlann-sur-mer/atom.xml")
    (kept,) = house.versions(folder_id, "masked")
    assert visitor(house).get(f"{address(folder_id)}/1").get_data() == house.bytes_of(kept)
    assert visitor(house).get(f"{address(folder_id)}/2").status_code == 404
    signed = house.versions(folder_id)[-1]
    assert signed.origin == "signed"
    assert signed.sha256 != kept.sha256
    assert signed.sha256 not in shown


def test_masking_an_act_online_replaces_it_and_the_page_says_so(house: House) -> None:
    folder_id = house.a_deliberation(at="done")
    whole = visitor(house).get(f"{address(folder_id)}/1")
    assert whole.get_data() == house.bytes_of(house.versions(folder_id)[-1])
    with pytest.raises(Refusal) as refused:
        mask(house, folder_id, reason="court")
    assert refused.value.key == "replacement-reason-missing"
    mask(house, folder_id)
    shown = page(house, address(folder_id))
    assert "Versions précédentes" in shown
    assert "remplacée" in shown
    assert whole.headers["ETag"].strip('"') in shown
    served = visitor(house).get(f"{address(folder_id)}/1", headers={"If-None-Match": whole.headers["ETag"]})
    assert served.status_code == 200  # who has the former one is given the masked one, not « unchanged »
    assert served.get_data() == house.bytes_of(house.versions(folder_id, "masked")[-1])
    with reading() as db:
        versions = record.versions_of(db, act_of(folder_id))
        assert [(one.rank, one.masked, one.ended) for one in versions] == [
            (2, True, None),
            (1, False, "replaced"),
        ]
        assert versions[1].reason.startswith("Le nom d’un particulier")
    assert house.journal(folder_id)[-2:] == ["publication.masked", "publication.replaced"]


def test_a_family_that_is_only_published_masked_is_not_published_without(
    house: House, only_masked: object
) -> None:
    folder_id = house.a_deliberation(at="publication")
    with pytest.raises(Refusal) as refused:
        house.publish(folder_id)
    assert refused.value.key == "masked-missing"
    assert house.folder(folder_id).place == "publication"
    # Posted in urgency, what is left to do is said too
    version = house.folder(folder_id).version
    why = "Risque d’éboulement de la falaise."
    decide.post_in_urgency(
        house.actor("k.morizur"), folder_id, version=version, posted_on=today(), reason=why
    )
    here = f"/dossiers/{folder_id}/publication"
    shown = house.client("k.morizur").get(here).get_data(as_text=True)
    assert "Affiché en urgence" in shown
    assert "la version occultée : déposez-la avant de publier" in shown.replace("\u00a0", " ")
    mask(house, folder_id)
    house.publish(folder_id)
    assert act_of(folder_id).title == TITLE


def test_a_family_that_is_never_published_is_dated_and_stays_inside(
    house: House, never_online: object
) -> None:
    folder_id = house.a_deliberation(at="done")
    with reading() as db:
        assert record.act_of(db, folder_id) is None
    with pytest.raises(Refusal) as refused:
        mask(house, folder_id)
    assert refused.value.key == "publication-forbidden"
    with pytest.raises(Refusal) as refused:
        publishing.put_online(house.actor("k.morizur"), folder_id, version=house.folder(folder_id).version)
    assert refused.value.key == "publication-forbidden"


def test_invoices_and_payment_flows_are_never_published() -> None:
    found = families.families()
    assert {name: found[name].publication for name in ("deliberation", "invoice", "pes", "other")} == {
        "deliberation": "online",
        "invoice": "none",
        "pes": "none",
        "other": "none",
    }


@pytest.mark.parametrize("how", ["the same file", "changes appended to it", "a rectangle over its text"])
@pytest.mark.law("PUB-04")
def test_a_file_that_still_holds_what_it_should_hide_is_refused(house: House, how: str, tmp_path) -> None:
    folder_id = house.a_deliberation(at="publication")
    data = house.bytes_of(house.versions(folder_id)[0])
    if how == "changes appended to it":
        data += b"\n% annotated\n%%EOF\n"
    if how == "a rectangle over its text":
        with Pdf.open(ACT) as covered:
            for one in covered.pages:
                one.contents_add(b"q 0 g 0 0 600 900 re f Q", prepend=False)
            covered.save(tmp_path / "covered.pdf")
        data = (tmp_path / "covered.pdf").read_bytes()
    with pytest.raises(Refusal) as refused:
        mask(house, folder_id, data)
    assert refused.value.key == "masked-still-readable"
    assert house.versions(folder_id, "masked") == []


def test_only_the_desk_of_publication_masks_and_from_that_step_on(house: House) -> None:
    early = house.a_deliberation(at="signatures")
    folder_id = house.a_deliberation(at="publication", number="2026-099")
    for login, number, key in (
        ("s.rivoal", folder_id, "not-publisher"),
        ("k.morizur", early, "not-publisher"),
        ("g.trehorel", folder_id, "not-found"),
    ):
        with pytest.raises(Refusal) as refused:
            mask(house, number, login=login)
        assert refused.value.key == key, login


def test_a_masked_version_is_written_only_over_the_page_that_was_shown(house: House, tmp_path) -> None:
    """The file is examined before the lock: what moved meanwhile is seen under it."""
    folder_id = house.a_deliberation(at="publication")
    shown = house.folder(folder_id).version
    path = tmp_path / "occulte.pdf"
    path.write_bytes(a_masked_pdf())
    kept = keep_masked(house.actor("k.morizur").collectivity_id, Incoming(path, path.name), tmp_path)
    house.publish(folder_id)
    with pytest.raises(Refusal) as refused:
        publishing.write_masked(
            house.actor("k.morizur"), folder_id, version=shown, document=kept, reason="Un nom restait."
        )
    assert refused.value.key == "moved-on"
    assert house.versions(folder_id, "masked") == []


def test_the_page_takes_the_masked_version_and_says_what_is_to_be_corrected(house: House) -> None:
    import io

    folder_id = house.a_deliberation(at="publication")
    client = house.client("k.morizur")
    here = f"/dossiers/{folder_id}/publication"
    form = {
        "csrf_token": token_in(client.get(here).get_data(as_text=True)),
        "version": str(house.folder(folder_id).version),
    }
    answer = client.post(f"{here}/version-occultee", data={**form, "public_title": TITLE})
    assert answer.status_code == 422
    assert "choisissez un fichier PDF" in answer.get_data(as_text=True)
    blank = {**form, "public_title": "  ", "masked": (io.BytesIO(a_masked_pdf()), "a.pdf")}
    answer = client.post(f"{here}/version-occultee", data=blank)
    assert answer.status_code == 422
    assert "écrivez l’objet que le public lira" in answer.get_data(as_text=True)
    good = {**form, "public_title": TITLE, "masked": (io.BytesIO(a_masked_pdf()), "a.pdf")}
    assert client.post(f"{here}/version-occultee", data=good).status_code == 302
    stale = {**form, "public_title": TITLE, "masked": (io.BytesIO(a_masked_pdf()), "a.pdf")}
    assert client.post(f"{here}/version-occultee", data=stale).status_code == 409
    assert "La version occultée sera mise en ligne" in client.get(f"/dossiers/{folder_id}").get_data(
        as_text=True
    )
    with reading() as db:
        folder = authorize(db, house.actor("k.morizur"), folder_id)
        document, _ = record.masked_of(db, folder)
        assert document.title == TITLE
