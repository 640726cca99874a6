"""The slip of a folder as a PDF that one keeps, joins or prints."""

from typing import Any

from app.core.french import euros, instant_preuve, spaces
from app.core.grammar import de
from app.display.exports.slip import SUMS_UP, Decision, Slip
from app.display.listed import Table
from app.display.noting.views import NoteView
from app.display.views import DocView
from app.pdf import paper

SINCE = "Pas examinées de nouveau depuis : la page du dossier le fait."
WITH_TITLE, WITH_HEADING = 4, 6
"""How many lines stand on one sheet with what heads them: a file and its digest, a heading with the first that it heads."""
UNEXAMINED = "Non examinées : faites-les vérifier sur la page du dossier."


def draw(slip: Slip, reader: str) -> bytes:
    """The PDF, edited by `reader`."""
    title = f"Bordereau de circulation, {slip.folder.title}"
    sheets = paper.paper(title, _foot(slip))
    paper.text(sheets, "Bordereau de circulation", 16)
    paper.text(sheets, slip.folder.title, 12)
    edited = f"Édité le {instant_preuve(slip.now)} par {reader}."
    paper.text(sheets, f"{slip.collectivity}, SIREN {slip.siren}. {edited}", 9)
    sheets.ln(3)
    paper.rows(sheets, _about(slip))
    for label, value in slip.details:
        if isinstance(value, Table):
            paper.text(sheets, label, 9)
            paper.grid(sheets, value.columns, value.lines, [1] * len(value.columns))
        else:
            paper.rows(sheets, [(label, value)])
    _listed(sheets, "Corrections à trancher", [_correction(one) for one in slip.corrections])
    _listed(sheets, "Points à regarder", [f"{one.title}. {one.sentence}" for one in slip.points])
    _listed(sheets, "Déjà tranché", [f"{what}. {sentence}" for what, sentence in slip.ruled])
    _heading(sheets, "Décisions")
    rounds = len({one.round for one in slip.decisions}) > 1
    paper.rows(sheets, [(one.at, _decision(one, rounds=rounds)) for one in slip.decisions], paper.MOMENT)
    told = [
        f"{one.n}. {one.title}. {'. '.join(filter(None, (one.filled, one.told)))}"
        for one in slip.steps
        if one.filled or one.told
    ]
    _listed(sheets, "Rempli, ou porté à connaissance, aux étapes", told)
    _listed(sheets, "Avis attendus", list(slip.awaited))
    _listed(
        sheets,
        "Reste à faire",
        [f"{one.n}. {one.title}{f' ({one.meta})' if one.meta else ''}" for one in slip.to_come],
    )
    _listed(
        sheets,
        "Étapes à venir modifiées",
        [f"{one.who}, {one.at}. {' '.join(one.words)} Motif : « {one.reason} »" for one in slip.rerouted],
    )
    _listed(sheets, "Envois et suites", [_sending(one) for one in slip.steps if one.mono])
    _listed(sheets, "Notes", [_note(one) for one in slip.notes])
    _heading(sheets, "Documents")
    for document in slip.documents:
        _document(sheets, document)
    if not slip.documents:
        paper.text(sheets, "Ce dossier n’a pas de pièce.", 9)
    sheets.ln(4)
    paper.text(sheets, f"{slip.circuit_line} {SUMS_UP} Heures de Paris.".strip(), 8)
    return bytes(sheets.output())


def _foot(slip: Slip) -> str:
    if slip.last_line is None:
        return f"Dossier {slip.folder.id}"
    number, digest = slip.last_line
    return f"Dossier {slip.folder.id}, dernière écriture du journal : n° {number}, {digest}"


def _about(slip: Slip) -> list[tuple[str, str]]:
    folder = slip.folder
    return [
        ("Type", folder.family_label),
        ("Numéro", folder.number),
        ("Montant", euros(folder.amount) if folder.amount is not None else ""),
        ("Origine", folder.depositor_line),
        ("État", " ; ".join(filter(None, (slip.state, *(one.words for one in folder.tags))))),
        (
            "Échéance",
            ", ".join(filter(None, (folder.due.words, folder.due.detail)))
            if folder.due.tone != "none"
            else "",
        ),
    ]


def _decision(one: Decision, *, rounds: bool) -> str:
    """« Contrôle des finances, envoi n° 2 : Visé par X, Direction des finances. « Conforme » »."""
    step = ", ".join(filter(None, (one.step, f"envoi n° {one.round}" if rounds and one.round else "")))
    done = ", ".join(filter(None, (one.what, one.place)))
    return f"{f'{step} : ' if step else ''}{done}{f'. « {one.quote} »' if one.quote else ''}"


def _correction(one: Any) -> str:
    words, reason, who = (one[name] for name in ("words", "reason", "who"))
    return f"{words}. {who or 'Le déposant'} : « {reason} »" if reason else f"{words}. Sans motif."


def _note(note: NoteView) -> str:
    answers = "".join(f"\n{one.who}, {one.at} : « {one.words} »" for one in note.answers)
    settled = f" {note.settled}." if note.settled else ""
    place = f", {note.pin}" if note.pin else ""
    return f"{note.who}, {note.at}{place} : « {note.words} »{settled}{answers}"


def _sending(one: Any) -> str:
    return f"{one.title}, {one.meta}. {one.mono}"


def _document(sheets: Any, document: DocView) -> None:
    title = f"{document.title}, {document.role_label[:1].lower()}{document.role_label[1:]}"
    paper.text(sheets, title, 10, before=WITH_TITLE)
    paper.rows(
        sheets,
        [
            ("Fichier", document.meta),
            ("SHA-256", document.sha256),
            *(("Signature", _signature(one)) for one in document.signatures if not one.ask_url),
            ("Signatures", _unexamined(document)),
        ],
    )
    sheets.ln(2)


def _unexamined(document: DocView) -> str:
    if not document.unexamined:
        return ""
    return SINCE if document.checked else UNEXAMINED


def _signature(one: Any) -> str:
    name, tone = one.name, one.tone
    who = f"Signé par {name}" if tone in {"ok", "info"} else f"Au nom {de(name)}"
    parts = (who, one.capacity, f"le {one.at}" if one.at else "")
    sentences = (one.verdict, ", ".join(filter(None, parts)), one.certificate)
    return spaces("\n".join(f"{sentence.rstrip('.')}." for sentence in sentences if sentence))


def _heading(sheets: Any, words: str) -> None:
    sheets.ln(4)
    paper.text(sheets, words, 12, before=WITH_HEADING)


def _listed(sheets: Any, heading: str, sentences: list[str]) -> None:
    if not sentences:
        return
    _heading(sheets, heading)
    for sentence in sentences:
        paper.text(sheets, f"• {sentence}", 9)
