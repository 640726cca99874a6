"""The rules A01 to A13 that the Préfecture and the relay operators apply to an act, said before they are broken.

Source: cahier des charges @CTES, typology notice 2.2; each rule is checked on the act and the bytes of its files. A14 is
ours: a budget is declared as its own file declares it (BUD-03), as a payment flow is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from app.channels.actes.act import Act, Piece
from app.channels.actes.classification import Classification
from app.channels.actes.message import transliterate, untranslatable
from app.channels.actes.naming import NUMBER, TYPE_CODE
from app.channels.actes.settings import MEBIBYTE
from app.core.grammar import de
from workflows.acts.numbers import next_number
from workflows.family import Problem

if TYPE_CHECKING:
    from app.channels.actes.budget import Budget

MAX_NUMBER: Final = 15
MAX_SUBJECT: Final = 499
WITH_SINGLE_ACCOUNT: Final = 2
"""The PDF files that go with a CFU: its deliberation, and the signatures of the councillors."""
ANNEX_KINDS: Final = frozenset({"pdf", "jpg", "png", "xml"})
_AROUND: Final = 64 * 1024
_EACH: Final = 1024
"""Bytes that an archive has beside those of its documents, at most, and for each: it is not compressed (`archive`)."""
_BUDGET: Final = 5
_BUDGET_MATTER: Final = (7, 1)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


@dataclass(frozen=True)
class Bench:
    """What an act is judged by: the classification in force, the day at the town hall, the size limit in bytes.

    `siren` and `declared` are those of the folder whose budget is held to its file; the Préfecture knows neither.
    """

    classification: Classification
    today: date
    max_bytes: int
    siren: str = ""
    declared: Mapping[str, Any] = field(default_factory=dict)


def judge(act: Act, main: tuple[Piece, ...], annexes: tuple[Piece, ...], bench: Bench) -> list[Problem]:
    """Every rule of A01 and A03 to A13 that the act breaks, in order; A02 needs the other side's memory."""
    return [
        *_number(act),
        *_date(act, bench.today),
        *_subject(act),
        *_nature(act, bench.classification),
        *_matter(act, bench.classification),
        *_classification(act, bench.classification),
        *_document(act, main),
        *_annexes(main, annexes),
        *_types(act, (*main, *annexes), bench.classification),
        *_size((*main, *annexes), bench.max_bytes),
        *_sound((*main, *annexes)),
        *_budget(main, annexes, bench),
    ]


def number_taken(number: str) -> Problem:
    """The refusal A02 of a number that already served, with the one to use instead."""
    other = next_number(number)
    return Problem(
        "A02",
        "number",
        f"Le numéro « {number} » a déjà servi à la préfecture, où un numéro ne sert qu’une fois, même refusé ou "
        f"annulé. Prenez par exemple « {other} ».",
    )


def _number(act: Act) -> Iterator[Problem]:
    if not act.number:
        yield Problem("A01", "number", "Le numéro de l’acte manque. Donnez-le, par exemple « 2026_057 ».")
    elif len(act.number) > MAX_NUMBER:
        yield Problem(
            "A01",
            "number",
            f"Le numéro « {act.number} » a {len(act.number)} caractères et la préfecture en accepte {MAX_NUMBER}. "
            "Raccourcissez-le.",
        )
    elif not NUMBER.fullmatch(act.number):
        yield Problem(
            "A01",
            "number",
            f"Le numéro « {act.number} » n’est pas accepté. N’employez que des capitales, des chiffres et le "
            "souligné, jamais aux extrémités : « 2026_057 ».",
        )


def _date(act: Act, today: date) -> Iterator[Problem]:
    if act.decided_on is None:
        yield Problem("A03", "decision_date", "La date de la décision manque ou n’existe pas. Donnez-la.")
    elif act.decided_on > today:
        yield Problem(
            "A03",
            "decision_date",
            f"La date de la décision ({act.decided_on:%d/%m/%Y}) est à venir. Corrigez-la, ou transmettez l’acte "
            "après la séance.",
        )


def _subject(act: Act) -> Iterator[Problem]:
    sent = transliterate(act.subject)
    if not sent.strip():
        yield Problem("A04", "subject", "L’objet de l’acte manque. Écrivez-le en une phrase.")
    if len(sent) > MAX_SUBJECT:
        yield Problem(
            "A04",
            "subject",
            f"L’objet a {len(sent)} caractères et la préfecture en accepte {MAX_SUBJECT}. Raccourcissez-le.",
        )
    if _CONTROL.search(sent):
        yield Problem(
            "A04", "subject", "L’objet doit tenir sur une seule ligne. Retirez les retours à la ligne."
        )
    if unknown := untranslatable(act.subject):
        yield Problem(
            "A04",
            "subject",
            f"L’objet contient des caractères que la préfecture ne peut pas lire : {' '.join(unknown)}. "
            "Remplacez-les.",
        )


def _nature(act: Act, classification: Classification) -> Iterator[Problem]:
    if classification.nature(act.nature) is None:
        listed = ", ".join(f"{nature.code} {nature.label}" for nature in classification.natures)
        yield Problem(
            "A05", "nature", f"La nature de l’acte manque ou est inconnue. Choisissez parmi : {listed}."
        )


def _matter(act: Act, classification: Classification) -> Iterator[Problem]:
    written = ".".join(map(str, act.matters))
    if len(act.matters) < 2:
        yield Problem(
            "A06",
            "matter",
            "La matière doit avoir au moins deux niveaux, par exemple « 7.5 ». Choisissez-la dans la liste.",
        )
    elif classification.matter(act.matters) is None:
        yield Problem(
            "A06",
            "matter",
            f"La matière « {written} » n’est pas dans la classification du {classification.dated:%d/%m/%Y}. "
            "Choisissez-la dans la liste.",
        )


def _classification(act: Act, classification: Classification) -> Iterator[Problem]:
    if act.classified_on is not None and act.classified_on != classification.dated:
        yield Problem(
            "A07",
            "matter",
            f"La matière a été choisie dans la classification du {act.classified_on:%d/%m/%Y}, remplacée par celle "
            f"du {classification.dated:%d/%m/%Y}. Choisissez-la de nouveau.",
        )


def _document(act: Act, main: tuple[Piece, ...]) -> Iterator[Problem]:
    if len(main) != 1:
        count = "n’a pas d’acte" if not main else f"a {len(main)} actes"
        yield Problem("A08", "main", f"Le dossier {count}. Il en faut un seul ; le reste va en annexe.")
    for piece in main:
        if piece.size == 0:
            yield Problem("A08", piece.field, f"« {piece.title} » est vide. Déposez de nouveau l’acte.")
        elif piece.kind == "xml" and not (act.nature == _BUDGET and act.matters[:2] == _BUDGET_MATTER):
            yield Problem(
                "A08",
                piece.field,
                f"« {piece.title} » est un XML, réservé aux budgets (nature 5, matière 7.1). Déposez l’acte en PDF.",
            )
        elif piece.kind not in {"pdf", "xml"}:
            yield Problem(
                "A08",
                piece.field,
                f"« {piece.title} » n’est pas un PDF, quel que soit son nom. Déposez l’acte en PDF.",
            )


def _annexes(main: tuple[Piece, ...], annexes: tuple[Piece, ...]) -> Iterator[Problem]:
    budget = any(piece.kind == "xml" for piece in main)
    if budget and not annexes:
        yield Problem("A09", "", "Un budget en XML part avec sa délibération. Ajoutez-la en annexe, en PDF.")
    for piece in annexes:
        if piece.size == 0:
            yield Problem("A09", piece.field, f"L’annexe « {piece.title} » est vide. Déposez-la de nouveau.")
        elif budget and piece.kind != "pdf":
            yield Problem("A09", piece.field, f"L’annexe « {piece.title} » d’un budget doit être un PDF.")
        elif piece.kind not in ANNEX_KINDS:
            yield Problem(
                "A09",
                piece.field,
                f"L’annexe « {piece.title} » n’est ni un PDF, ni une image JPEG ou PNG, ni un XML. Convertissez-la.",
            )


def _types(act: Act, pieces: tuple[Piece, ...], classification: Classification) -> Iterator[Problem]:
    nature = classification.nature(act.nature)
    # The list of types is the nature's: without one, A05 has already asked for it.
    for piece in pieces if nature else ():
        if not piece.type_code:
            yield Problem(
                "A10",
                piece.field,
                f"Le type de l’annexe « {piece.title} » manque. Choisissez-le dans la liste de la nature, à côté de ce fichier."
                if piece.field.startswith("attachment:")
                else f"Le type de « {piece.title} » manque. Choisissez-le dans la liste de la nature.",
            )
        elif nature and not (TYPE_CODE.fullmatch(piece.type_code) and nature.allows(piece.type_code)):
            yield Problem(
                "A10",
                piece.field,
                f"Le type « {piece.type_code} » n’est pas permis pour « {piece.title} » (nature {nature.label}). "
                "Choisissez-en un autre dans la liste.",
            )


def _size(pieces: tuple[Piece, ...], max_bytes: int) -> Iterator[Problem]:
    total = sum(piece.size for piece in pieces)
    if total + _AROUND + _EACH * len(pieces) > max_bytes:
        yield Problem(
            "A11",
            "",
            f"L’acte et ses annexes pèsent {total / MEBIBYTE:.0f} Mio et la préfecture en accepte "
            f"{max_bytes // MEBIBYTE}, enveloppe comprise. Réduisez ou retirez des annexes.",
        )


def _sound(pieces: tuple[Piece, ...]) -> Iterator[Problem]:
    """A PDF opens, and the signatures that it bears are whole; whose they are is the relay operator's to judge."""
    from app.files.earlier_signatures import readable_signatures

    for piece in pieces:
        if piece.kind != "pdf" or piece.path is None:
            continue
        signatures = readable_signatures(piece.path)
        if signatures is None:
            yield Problem(
                "A12",
                piece.field,
                f"« {piece.title} » est un PDF abîmé. Enregistrez-le de nouveau, puis remplacez-le.",
            )
        elif broken := [signature.name for signature in signatures if not signature.valid_structure]:
            yield Problem(
                "A12",
                piece.field,
                f"La signature {de(broken[0])} sur « {piece.title} » n’est plus valable : le fichier a changé après elle. "
                "Remplacez-le par l’original signé.",
            )


def _budget(main: tuple[Piece, ...], annexes: tuple[Piece, ...], bench: Bench) -> Iterator[Problem]:
    """A13, the seal; then A14: the file is this body's, says what the folder says, and has what goes with it (BUD-04)."""
    from app.channels.actes.budget import KINDS, SINGLE_ACCOUNT, Seal, explain, read_budget
    from app.channels.actes.xmltree import Malformed

    for piece in main:
        if piece.kind != "xml" or piece.path is None:
            continue
        try:
            budget = read_budget(piece.path.read_bytes())
        except Malformed:
            sentence = (
                f"« {piece.title} » n’est pas un XML bien formé. Déposez le fichier du logiciel de finances."
            )
            yield Problem("X01", piece.field, sentence)
            continue
        if budget is None:
            yield Problem(
                "A13",
                piece.field,
                f"« {piece.title} » n’est ni un budget TotEM, ni un compte financier unique. Déposez le fichier scellé.",
            )
        elif budget.seal is not Seal.GENUINE:
            yield Problem("A13", piece.field, explain(budget))
        elif bench.siren:
            yield from _declared(budget, bench)
            if budget.kind == KINDS[SINGLE_ACCOUNT] and len(annexes) < WITH_SINGLE_ACCOUNT:
                yield Problem(
                    "A14",
                    "",
                    "Un compte financier unique part avec deux PDF : sa délibération, et la page des signatures de tous les "
                    "conseillers, quel que soit leur vote. Ajoutez en annexe celui qui manque.",
                )


def _declared(budget: Budget, bench: Bench) -> Iterator[Problem]:
    siret = budget.siret or str(bench.declared.get("siret") or "")
    if siret and siret[:9] != bench.siren:
        yield Problem(
            "A14",
            "siret",
            f"Ce budget porte le SIRET {siret}, et la collectivité a le SIREN {bench.siren}. Remplacez le fichier, ou "
            "déposez-le dans le parapheur de cette autre collectivité.",
        )
    for key, label, read in budget.facts():
        typed = str(bench.declared.get(key) or "").strip()
        if typed and typed.casefold() != read.casefold():
            written = f"{date.fromisoformat(read):%d/%m/%Y}" if key == "decision_date" else read
            yield Problem(
                "A14",
                key,
                f"« {label} » est lu dans le fichier budgétaire, qui dit « {written} ». Remettez cette valeur, ou remplacez "
                "le fichier.",
            )
