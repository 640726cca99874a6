"""A PDF that shows one thing here and another there is offered as a plain copy, or refused; a signed one is told, never touched."""

import re
import subprocess
from pathlib import Path

import pikepdf
import pytest

from app.core.refusals import Refusal
from app.files.intake import Examined, examine
from app.files.pdf import examine_pdf, read_text
from app.pdf import rendering
from tests.assets import make_signed, make_two_faced
from tests.assets.make_hostile import changed
from tests.assets.make_two_faced import FALSE, FLATTENED, PLAIN, REFUSED, TRUE
from tests.files.test_refused_files import sentence


def look(data: bytes, room: Path, *, role: str = "main") -> Examined:
    path = room / "upload"
    path.write_bytes(data)
    return examine(
        path, "marche.pdf", role=role, to_be_signed=role == "main", formats=(), office=None, workdir=room
    )


@pytest.mark.parametrize("name", FLATTENED)
def test_a_two_faced_file_is_offered_as_a_plain_copy_of_what_the_screen_shows(
    name: str, tmp_path: Path
) -> None:
    make, kind = FLATTENED[name]
    data = make()
    seen = look(data, tmp_path)
    assert seen.repaired is not None, kind
    assert seen.flattened
    assert seen.flattened[0] in seen.offer
    assert "Une copie aplatie est proposée, à accepter avant toute signature" in seen.offer
    assert (tmp_path / "upload").read_bytes() == data
    # The same page, on screen and on paper, in the original's screen view
    assert rendering.same_on_screen(tmp_path / "upload", seen.repaired, [0, 1])
    assert rendering.unlike_in_print(seen.repaired, [0, 1]) == 0
    again = examine_pdf(seen.repaired, "copie.pdf", tmp_path, to_be_signed=True)
    assert (again.faces, again.repaired) == ((), None)
    with pikepdf.open(seen.repaired) as copy:
        assert "/AcroForm" not in copy.Root
        assert "/OCProperties" not in copy.Root
        assert "/OpenAction" not in copy.Root
        assert all(
            one.get("/Subtype") == "/Link" for page in copy.pages for one in page.obj.get("/Annots", [])
        )


@pytest.mark.parametrize("name", ["calques-ecran-papier", "calque-eteint", "calque-sauf-si"])
def test_what_a_hidden_layer_says_is_not_in_the_copy_at_all(name: str, tmp_path: Path) -> None:
    seen = look(FLATTENED[name][0](), tmp_path)
    assert seen.repaired is not None
    text = read_text(seen.repaired)
    assert TRUE in text
    assert FALSE not in text
    assert "subvention" in text


def test_another_reader_finds_no_other_words_in_the_plain_copy(tmp_path: Path) -> None:
    """Poppler, which reads the words of every layer and annotation."""
    for name in ("calques-ecran-papier", "annotation-papier"):
        seen = look(FLATTENED[name][0](), tmp_path)
        assert seen.repaired is not None
        told = subprocess.run(
            ["pdftotext", str(seen.repaired), "-"], capture_output=True, check=True
        ).stdout.decode()
        assert FALSE not in told


@pytest.mark.parametrize("name", REFUSED)
def test_what_no_copy_would_surely_keep_is_refused_with_its_remedy(name: str, tmp_path: Path) -> None:
    make, key = REFUSED[name]
    with pytest.raises(Refusal) as refused:
        look(make(), tmp_path)
    assert refused.value.key == key
    said = sentence(refused.value)
    assert "Rien n’a été déposé." in said
    assert "Imprimez-le en PDF" in said
    assert [one.name for one in tmp_path.iterdir()] == ["upload"]


@pytest.mark.parametrize("name", PLAIN)
def test_what_everything_shows_alike_is_kept_as_it_came(name: str, tmp_path: Path) -> None:
    seen = look(PLAIN[name](), tmp_path)
    assert (seen.repaired, seen.flattened, seen.points) == (None, (), ())


@pytest.mark.parametrize(
    ("name", "unlike"),
    [("annotation-papier", 1), ("annotation-ecran", 1), ("calques-ecran-papier", 1), ("champ-texte", 0)],
)
def test_the_screen_and_the_printer_are_drawn_page_by_page(name: str, unlike: int, tmp_path: Path) -> None:
    path = tmp_path / "upload"
    path.write_bytes(FLATTENED[name][0]())
    assert rendering.unlike_in_print(path, [0, 1]) == unlike


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (make_two_faced.text_field, "un champ de formulaire à remplir"),
        (make_two_faced.layer_off, "un calque qui n’est pas montré partout"),
    ],
)
def test_a_signed_file_is_never_flattened_and_what_may_still_change_is_told(
    change: object, what: str, tmp_path: Path
) -> None:
    data = make_two_faced.signed_with(change)  # type: ignore[arg-type]
    seen = look(data, tmp_path)
    assert seen.repaired is None
    (point,) = seen.points
    assert (point.key, point.title) == ("may-change", "Fichier signé qui peut encore changer")
    assert what in point.sentence
    assert "L’aplatir romprait sa signature : il est gardé tel quel." in point.sentence


def test_the_mere_mention_of_a_signature_does_not_spare_a_file_from_being_flattened(tmp_path: Path) -> None:
    def change(pdf: pikepdf.Pdf) -> None:
        make_two_faced.layer_off(pdf)
        pdf.Root.Lure = pikepdf.Dictionary(ByteRange=pikepdf.Array([0, 1, 2, 3]))

    assert look(changed(change), tmp_path).flattened


def test_the_files_inside_are_listed_and_a_program_is_named(tmp_path: Path) -> None:
    seen = look(changed(make_two_faced.with_files), tmp_path)
    assert sorted((one.name, one.size, one.kind, one.program) for one in seen.enclosed) == [
        ("facture.exe", 604, "un programme", True),
        ("plan.png", 58, "une image PNG", False),
    ]
    (point,) = seen.points
    assert point.title == "Un programme est joint à l’intérieur"
    assert re.search(r"facture\.exe \(un programme, 604.octets\)", point.sentence)
    assert "ne l’ouvrez pas" in point.sentence


def test_the_data_of_an_invoice_are_listed_as_expected_and_are_nothing_to_look_at(tmp_path: Path) -> None:
    invoices = Path(__file__).parent.parent / "assets" / "invoices"
    seen = look((invoices / "fx-basic-fr-ok.pdf").read_bytes(), tmp_path)
    assert [(one.name, one.expected) for one in seen.enclosed] == [("factur-x.xml", True)]
    assert seen.points == ()
    beside = look((invoices / "fx-en16931-fr-avec-piece-jointe.pdf").read_bytes(), tmp_path)
    (point,) = beside.points
    assert "Bon_de_livraison.pdf" in point.sentence
    assert "factur-x.xml" not in point.sentence


def test_a_name_that_lies_does_not_hide_a_program(tmp_path: Path) -> None:
    """« factur-x.xml » that is no XML is not what an invoice carries; direction marks do not turn a name around."""

    def change(pdf: pikepdf.Pdf) -> None:
        for name in ("factur-x.xml", "plan\u202egnp.exe"):
            pdf.attachments[name] = pikepdf.AttachedFileSpec(pdf, b"MZ" + bytes(99), filename=name)

    seen = look(changed(change), tmp_path)
    assert sorted((one.name, one.expected, one.program) for one in seen.enclosed) == [
        ("factur-x.xml", False, True),
        ("plan gnp.exe", False, True),
    ]


def test_an_attachment_is_judged_as_the_main_document(tmp_path: Path) -> None:
    assert look(FLATTENED["calque-eteint"][0](), tmp_path, role="attachment").flattened


def test_the_same_file_is_flattened_into_the_same_bytes(tmp_path: Path) -> None:
    make = FLATTENED["case-a-cocher"][0]
    first, second = look(make(), tmp_path).repaired, look(make(), tmp_path).repaired
    assert first is not None
    assert second is not None
    assert first.read_bytes() == second.read_bytes()


def test_a_signature_whose_name_is_written_with_escapes_is_seen(tmp_path: Path) -> None:
    """« /Byte#52ange » is « /ByteRange » (ISO 32000-1 §7.3.5): the file, badly built, is not repaired as an unsigned one."""
    with pytest.raises(Refusal, match="file-signed-damaged"):
        look(make_signed.signed().replace(b"/ByteRange", b"/Byte#52ange"), tmp_path)
