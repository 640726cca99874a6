"""What must never enter: each hostile file is refused with its sentence, and nothing of it is kept."""

from pathlib import Path

import pytest

from app.core.french import spaces
from app.core.refusals import Catalogue, Refusal
from app.files.intake import accepted_names, examine
from app.files.sentences import SENTENCES
from app.files.store import open_store
from tests.assets import make_hostile
from workflows.family import families

# The sentences that a person reads, word for word; {filename} stands for the name of the file.
SAID = {
    "file-empty": "« {filename} » est vide (0 octet) : rien n’a été déposé. Vérifiez le fichier sur votre poste, puis redéposez-le.",
    "file-truncated": "« {filename} » est incomplet : la fin du fichier manque. Rien n’a été déposé. Copiez-le ou enregistrez-le de nouveau depuis son origine, puis redéposez-le.",
    "file-damaged": "« {filename} » est abîmé au point de ne pas pouvoir être lu ni réparé. Rien n’a été déposé. Produisez de nouveau le PDF depuis le document d’origine, puis redéposez-le.",
    "file-encrypted": "Ce PDF est chiffré : il ne pourrait pas être signé. Enregistrez-le sans mot de passe, puis redéposez-le.",
    "file-xfa": "Ce PDF contient un formulaire dynamique (XFA) : ce qu’il affiche peut changer après la signature. Rien n’a été déposé. Imprimez-le en PDF pour en figer le contenu, puis redéposez-le.",
    "file-javascript": "Ce PDF contient un programme (JavaScript) : ce qu’il affiche peut changer après la signature. Rien n’a été déposé. Imprimez-le en PDF pour l’en débarrasser, puis redéposez-le.",
    "file-launch": "Ce PDF demande à lancer un programme à l’ouverture ou au clic. Rien n’a été déposé. Imprimez-le en PDF pour l’en débarrasser, puis redéposez-le ; si vous ne l’attendiez pas, prévenez votre service informatique.",
    "file-certified": "Ce PDF est certifié par Armel Kervadec sans aucune modification permise : le signer ici romprait cette certification. Rien n’a été déposé. Demandez à son auteur un exemplaire non certifié, ou déposez-le en annexe.",
    "file-certified-closed": "Ce PDF est certifié par Armel Kervadec et ne prévoit aucun emplacement de signature libre : le signer ici romprait cette certification. Rien n’a été déposé. Demandez à son auteur un exemplaire avec un champ de signature, ou déposez-le en annexe.",
    "file-page-loop": "Les pages de ce PDF tournent en boucle : aucune liste de pages ne peut en être tirée. Rien n’a été déposé. Produisez de nouveau le PDF depuis le document d’origine, puis redéposez-le.",
    "file-inflates": "Ce PDF contient des données qui, une fois décompressées, dépassent 256 Mo. Rien n’a été déposé. Imprimez-le en PDF ou réduisez la définition de ses images, puis redéposez-le.",
    "file-signed-damaged": "Ce PDF porte déjà une signature et il est abîmé : le réparer détruirait cette signature. Rien n’a été déposé. Demandez à son auteur un exemplaire intact, puis redéposez-le.",
    "file-signed-preceded": "Ce PDF est signé, mais des octets étrangers ont été ajoutés devant son contenu : une autre signature ne peut pas y être ajoutée, et les ôter toucherait au fichier signé. Rien n’a été déposé. Demandez à son auteur l’exemplaire d’origine, ou déposez celui-ci en annexe ; la page « Vérifier une signature » dit ce que sa signature vaut.",
    "xml-doctype": "« {filename} » contient une déclaration DOCTYPE, refusée par sécurité. Rien n’a été déposé. Demandez à l’émetteur un fichier XML sans DOCTYPE, puis redéposez-le.",
    "xml-too-deep": "« {filename} » imbrique plus de 100 niveaux d’éléments : il ne sera pas lu. Rien n’a été déposé. Exportez-le de nouveau depuis le logiciel d’origine, puis redéposez-le.",
    "image-damaged": "L’image « {filename} » est abîmée ou incomplète. Rien n’a été déposé. Numérisez ou exportez-la de nouveau, puis redéposez-la.",
    "image-too-large": "L’image « {filename} » dépasse 120 millions de points. Rien n’a été déposé. Numérisez-la à 300 points par pouce au plus, puis redéposez-la.",
}
BEGINS = {
    "file-disguised": "« {filename} » n’est pas ce que son nom annonce : son contenu est ",
    "file-type-unsupported": "« {filename} » n’est pas d’un type accepté ici. Rien n’a été déposé. Types acceptés : PDF, XML, JPG, ",
    "xml-encoding": "« {filename} » annonce l’encodage UTF-",
    "xml-malformed": "« {filename} » n’est pas un XML bien formé (ligne ",
}


def deposit(
    path: Path, name: str, workdir: Path, coffer: Path, *, role: str = "main", sign: bool = True
) -> None:
    """What a deposit does: examine, and only then keep."""
    examine(path, name, role=role, to_be_signed=sign, formats=(), office=None, workdir=workdir)
    open_store(f"file:{coffer}").put_file("212909998", path)


@pytest.mark.parametrize("name", make_hostile.REFUSED)
def test_a_hostile_file_is_refused_in_french_and_leaves_nothing(name: str, tmp_path: Path) -> None:
    make, key = make_hostile.REFUSED[name]
    path, workdir, coffer = tmp_path / "upload", tmp_path / "work", tmp_path / "coffer"
    workdir.mkdir()
    path.write_bytes(make())
    with pytest.raises(Refusal) as caught:
        deposit(path, name, workdir, coffer)
    assert caught.value.key == key
    said = sentence(caught.value)
    if key in SAID:
        assert said == spaces(SAID[key].format(filename=name))
    else:
        assert said.startswith(spaces(BEGINS[key].format(filename=name)).rstrip())
        assert "Rien n’a été déposé." in said
    assert list(workdir.iterdir()) == []
    assert [one for one in coffer.rglob("*") if one.is_file()] == []


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("page-web.pdf", "une page HTML"),
        ("archive.pdf", "une archive ZIP"),
        ("programme.pdf", "un programme"),
        ("image.pdf", "une image PNG"),
        ("pdf.xml", "un PDF"),
        ("classeur.docx", "un classeur Excel"),
        ("texte.pdf", "d’un type inconnu"),
    ],
)
@pytest.mark.law("SIG-05")
def test_the_refusal_says_what_the_content_really_is(name: str, found: str, tmp_path: Path) -> None:
    path = tmp_path / "upload"
    path.write_bytes(make_hostile.REFUSED[name][0]())
    with pytest.raises(Refusal) as caught:
        examine(path, name, role="main", to_be_signed=True, formats=(), office=None, workdir=tmp_path)
    assert f"son contenu est {found}." in sentence(caught.value)


@pytest.mark.law("SIG-05")
def test_no_family_takes_a_zip_whose_files_a_signature_would_not_sign() -> None:
    for known in families().values():
        assert not {"zip", "7z", "rar", "tar", "gz"} & set(accepted_names(known.formats)), known.name


def test_only_the_formats_of_the_family_are_accepted(tmp_path: Path) -> None:
    path = tmp_path / "upload"
    path.write_bytes(make_hostile.noisy_png(20))
    with pytest.raises(Refusal) as caught:
        examine(
            path,
            "a.png",
            role="main",
            to_be_signed=True,
            formats=("pdf", "xml"),
            office=None,
            workdir=tmp_path,
        )
    said = "« a.png » n’est pas d’un type accepté ici. Rien n’a été déposé. Types acceptés : PDF, XML."
    assert sentence(caught.value).startswith(spaces(said))


def test_every_refusal_of_the_slice_says_what_did_not_happen_and_what_to_do() -> None:
    for key, (status, said) in SENTENCES.items():
        assert status >= 400, key
        assert "!" not in said, key
        assert "'" not in said, key
        assert said.endswith("."), key
        assert any(
            word in said
            for word in (
                "Rien n’a été",
                "rien n’a été",
                "Il n’est pas servi",
                "ne pourrait pas",
                "n’est donné à",
                "n’est pas donné",
            )
        ), key


def sentence(refusal: Refusal) -> str:
    catalogue = Catalogue()
    catalogue.add(SENTENCES)
    _, said = catalogue.say(refusal.key, refusal.facts)
    assert "…" not in said
    return said
