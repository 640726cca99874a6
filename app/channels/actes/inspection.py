"""The rules X01 to X06 and E01 to E03: what a relay operator verifies when it opens an archive it received."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from app.channels.actes.act import Act, Piece, sniff
from app.channels.actes.archive import BadArchive, Member, read_archive
from app.channels.actes.envelope import Account, Envelope, read_envelope
from app.channels.actes.message import read_message
from app.channels.actes.naming import ARCHIVE, ENVELOPE, NATURES, read_name
from app.channels.actes.xmltree import Malformed, complaint, parse, tag
from workflows.family import Problem

if TYPE_CHECKING:
    from lxml.etree import _Element, _ElementTree


class Refused(Exception):  # noqa: N818 - said of an archive
    """The archive cannot be read any further; `problems` say why."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(problem.sentence for problem in problems))
        self.problems = list(problems)


@dataclass(frozen=True)
class Inspected:
    """The content of an archive, and the rules it breaks."""

    envelope_name: str
    envelope: Envelope
    envelope_element: _Element
    message_name: str
    act_element: _Element
    act: Act
    main: tuple[Piece, ...]
    annexes: tuple[Piece, ...]
    problems: tuple[Problem, ...]


def inspect(
    path: Path, filename: str, account: Account | None, max_bytes: int, schema_folder: Path | None = None
) -> Inspected:
    """Open an archive holding one act; refuses with `Refused` what cannot be read, lists every other fault.

    `account` is the sender as registered, or None when the archive was already accepted.
    """
    try:
        members = {member.name: member for member in read_archive(path, max_bytes)}
    except BadArchive as bad:
        raise Refused(Problem(bad.rule, "", bad.sentence)) from bad
    envelopes = [name for name in members if ENVELOPE.fullmatch(name)]
    if len(envelopes) != 1:
        raise Refused(Problem("E01", "", f"L’archive contient {len(envelopes)} enveloppes au lieu d’une."))
    envelope_element = _document(members[envelopes[0]], "EnveloppeCLMISILL", schema_folder).getroot()
    envelope = read_envelope(envelope_element)
    missing = [form for form in envelope.forms if form not in members]
    if missing:
        raise Refused(Problem("E02", "", f"L’enveloppe annonce « {missing[0]} », absent de l’archive."))
    if len(envelope.forms) != 1:
        raise Refused(Problem("E02", "", "Cette enveloppe n’annonce pas un acte et un seul."))
    message_name = envelope.forms[0]
    act_element = _document(members[message_name], "Acte", schema_folder).getroot()
    act, document, annexes, count = read_message(act_element)
    problems = [
        *_archive_name(filename, envelopes[0]),
        *(_account(envelope, account) if account else ()),
        *_names(members, (envelopes[0], message_name), (document, *annexes)),
        *_agreement(envelope, act, (message_name, document, *annexes)),
    ]
    if count != len(annexes):
        problems.append(Problem("X03", "", f"Le message annonce {count} annexes et en nomme {len(annexes)}."))
    return Inspected(
        envelopes[0],
        envelope,
        envelope_element,
        message_name,
        act_element,
        act,
        _pieces(members, (document,)),
        _pieces(members, annexes),
        tuple(problems),
    )


def _document(member: Member, expected: str, schema_folder: Path | None) -> _ElementTree:
    try:
        tree = parse(member.content or b"")
    except Malformed as bad:
        raise Refused(
            Problem("X01", "", f"« {member.name} » n’est pas un XML bien formé et sûr ({bad}).")
        ) from bad
    if tree.getroot().tag != tag(expected):
        raise Refused(Problem("X02", "", f"« {member.name} » n’est pas un document {expected}."))
    if fault := complaint(tree, schema_folder):
        raise Refused(Problem("X02", "", f"« {member.name} » ne respecte pas le schéma ({fault})."))
    return tree


def _archive_name(filename: str, envelope: str) -> Iterator[Problem]:
    match = ARCHIVE.fullmatch(filename)
    if match is None or f"{match['envelope']}.xml" != envelope:
        yield Problem("X06", "", f"Le nom de l’archive, « {filename} », ne suit pas celui de l’enveloppe.")


def _account(envelope: Envelope, account: Account) -> Iterator[Problem]:
    if envelope.account != account:
        yield Problem(
            "E03",
            "",
            "Le SIREN, le département, l’arrondissement ou la nature de l’enveloppe ne sont pas ceux du compte. "
            "Demandez à l’administrateur de vérifier la fiche de la collectivité.",
        )


def _names(
    members: dict[str, Member], written: tuple[str, str], documents: tuple[str, ...]
) -> Iterator[Problem]:
    for name in (written[1], *documents):
        if read_name(name) is None:
            yield Problem("X04", "", f"« {name} » n’est pas un nom de fichier @CTES.")
    for name in documents:
        if name not in members:
            yield Problem("X04", "", f"Le message nomme « {name} », absent de l’archive.")
    for name in members:
        if name not in {*written, *documents}:
            yield Problem("X04", "", f"« {name} » est dans l’archive et aucun message ne le nomme.")


def _agreement(envelope: Envelope, act: Act, names: tuple[str, ...]) -> Iterator[Problem]:
    day = f"{act.decided_on:%Y%m%d}" if act.decided_on else None
    expected = (
        envelope.account.department,
        envelope.account.siren,
        day,
        act.number,
        NATURES.get(act.nature or 0),
        "1-1",
    )
    for text in names:
        name = read_name(text)
        if name and (name.department, name.siren, name.day, name.number, name.nature, name.code) != expected:
            yield Problem("X05", "", f"« {text} » ne dit pas le même acte que le message.")


def _pieces(members: dict[str, Member], names: tuple[str, ...]) -> tuple[Piece, ...]:
    pieces = []
    for text in names:
        member, name = members.get(text), read_name(text)
        if member is not None:
            kind = sniff(member.head)
            pieces.append(
                Piece(text, name.type_code if name else None, member.size, kind, sha256=member.sha256)
            )
    return tuple(pieces)
