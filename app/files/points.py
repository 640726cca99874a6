"""What whoever decides on a file is told of it: what its pages do not show, and what may still change in it."""

from dataclasses import dataclass

from app.core.french import taille
from app.core.grammar import et_autres
from app.files.pdf import Enclosed, PdfFacts

SHOWN = 10
"""Files inside that are named in one sentence."""


@dataclass(frozen=True)
class Point:
    """Something to look at before deciding: a key, a title, a sentence; it stops nobody."""

    key: str
    title: str
    sentence: str


def points_of(facts: PdfFacts, filename: str) -> tuple[Point, ...]:
    """What to look at in a PDF: what may still change in a signed one, the files inside that its standard does not ask for."""
    points = []
    if facts.faces and facts.signatures:
        sentence = (
            f"« {filename} » est déjà signé et contient {', '.join(facts.faces)} : ce qu’il montre peut différer ailleurs, ou "
            "changer encore. L’aplatir romprait sa signature : il est gardé tel quel."
        )
        points.append(Point("may-change", "Fichier signé qui peut encore changer", sentence))
    inside = [file for file in facts.enclosed if not file.expected]
    if inside:
        points.append(_files_inside(filename, inside, facts.enclosed_count - len(facts.enclosed)))
    return tuple(points)


def described(file: Enclosed) -> str:
    """A file inside, in words: « facture.exe (un programme, 604 octets) »."""
    return f"{file.name} ({file.kind.removeprefix('d’').removeprefix('de ')}, {taille(file.size)})"


def _files_inside(filename: str, inside: list[Enclosed], uncounted: int) -> Point:
    count = len(inside) + uncounted
    listing = ", ".join(described(file) for file in inside[:SHOWN])
    more = et_autres(count - SHOWN)
    several = f"{count} fichiers" if count > 1 else "un fichier"
    warning = (
        " Un programme n’a rien à faire dans un document à signer : ne l’ouvrez pas, et demandez d’où il vient."
        if any(file.program for file in inside)
        else " Signer ce document, c’est aussi signer ce qu’il contient."
    )
    title = (
        "Un programme est joint à l’intérieur"
        if any(file.program for file in inside)
        else ("Des fichiers sont joints à l’intérieur" if count > 1 else "Un fichier est joint à l’intérieur")
    )
    return Point(
        "files-inside",
        title,
        f"« {filename} » contient {several} que ses pages ne montrent pas : {listing}{more}.{warning}",
    )
