"""What comes and goes through S2LOW about an act that the Préfecture has: letters, replies, cancellations.

S2LOW keeps each as a transaction related to the act's, and its archive behind a redirect. It acknowledges letters by itself
(3-2, 4-2), dates a reply by the letter that it answers, and gives a reply no number of ours: before any resend, ours is
looked for among the exchanges of the act, by the name of its file, or while S2LOW does not tell it yet, by its bytes.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from app.channels.actes.archive import BadArchive, Member
from app.channels.actes.envelope import Account
from app.channels.actes.exchanges import ACKNOWLEDGEMENTS, FORMS, LETTERS, read_exchange
from app.channels.actes.naming import IDENTIFIER, MESSAGE
from app.channels.actes.received import is_words, start, suffix_of, unpack
from app.channels.actes.s2low_files import ACTES, filename, posted, upload
from app.channels.actes.tolerant import open_message
from app.channels.actes.transport import About, Followup, Interrupted, Letter
from app.transmission.ports import AccountRefused, Rejected, Uncertain, Unreachable
from app.transmission.s2low.answers import ERROR, created, decode, decode_json, unexpected
from app.transmission.s2low.client import MAX_ANSWER, Client

_MEANT: Final = {"2-2": "4", "3-3": "3", "3-4": "4", "4-3": "3", "4-4": "4"}
"""`type_envoie`: 3 refuses what the letter asks, 4 answers it; a simple letter is only answered."""
_BY_ITSELF: Final = frozenset(ACKNOWLEDGEMENTS.values())
_WRITTEN: Final = frozenset({*LETTERS, "1-3", None})
_LISTED: Final = re.compile(r"([1-7])-(-?[0-9]+)-([0-9]+)")
_ENVELOPE: Final = re.compile(r"(?:ANO_)?[A-Z]{4}--")


@dataclass(frozen=True)
class Listed:
    """A transaction about an act, as S2LOW lists it: its type (the first digit of its message), status and number."""

    kind: str
    status: int
    number: str


class Letters:
    """The part of the transport that carries them; `client` speaks for a SIREN."""

    def __init__(self, client: Callable[[str], Client]) -> None:
        self._client = client

    def letters(self, account: Account) -> Sequence[Letter]:
        """The unread exchanges, oldest first, each in the bytes of its archive; refuses with `Unreachable`.

        One that the operator does not give keeps no other from coming (`Interrupted`); one whose archive may not be opened
        comes as that archive.
        """
        client = self._speaker(account.siren)
        letters: list[Letter] = []
        silence: Unreachable | None = None
        for number, about in _unread(client.get(f"{ACTES}/api/list_document_prefecture.php")):
            try:
                letter = _letter(f"{account.siren}/{number}", _raw_archive(client, number), about)
            except AccountRefused as refused:
                silence = refused
                break  # nor will it give the others
            except Unreachable as unreachable:
                silence = silence or unreachable
            else:
                letters += [letter] if letter else []
        if silence is not None:
            raise Interrupted(letters, silence)
        return letters

    def taken(self, account: Account, reference: str) -> None:
        """Mark it as read; refuses with `Unreachable`."""
        number = _number(reference, account.siren)
        client = self._speaker(account.siren)
        raw = client.get(f"{ACTES}/api/document_prefecture_mark_as_read.php", transaction_id=number)
        answer = _json(raw)
        if not isinstance(answer, dict) or answer.get("result") != "ok":
            raise unexpected(raw)

    def follow(self, followup: Followup) -> str:
        """Post it once; refuses with `Rejected`, `Uncertain` or `Unreachable`."""
        siren = followup.account.siren
        if followup.code in _BY_ITSELF:
            return followup.letter or ""
        client = self._client(siren)
        if followup.code == "6-1":
            fields = [("api", "1"), ("id", _number(followup.deposit, siren))]
            return f"{siren}/{created(client.post(f'{ACTES}/actes_transac_cancel.php', fields))}"
        return f"{siren}/{created(self._reply(client, followup))}"

    def followed(self, followup: Followup) -> str | None:
        """The reference of this very message if S2LOW has it; refuses with `Uncertain` what cannot be told apart.

        A cancellation says nothing but its act: whoever asked for it, one that did not fail is this one.
        """
        siren = followup.account.siren
        if followup.code in _BY_ITSELF:
            return followup.letter
        client = self._client(siren)
        for exchange in _exchanges(client, followup):
            if (
                exchange.kind != followup.code[0]
                or exchange.number == (followup.letter or "").partition("/")[2]
            ):
                continue
            if exchange.status != ERROR if followup.code == "6-1" else _is_this(client, exchange, followup):
                return f"{siren}/{exchange.number}"
        return None

    def _reply(self, client: Client, followup: Followup) -> bytes:
        letter = _number(followup.letter, followup.account.siren)
        # S2LOW makes of a reply what its letter is, whatever was meant: a wrong pair is for us to refuse.
        if any(
            exchange.number == letter and exchange.kind != followup.code[0]
            for exchange in _exchanges(client, followup)
        ):
            raise Rejected("Aucun courrier de la préfecture n’attend cette réponse (W03). Rien n’est parti.")
        main, *annexes = followup.pieces
        fields = [
            ("api", "1"),
            ("id", letter),
            ("type_envoie", _MEANT[followup.code]),
            ("type_acte", main.type_code or ""),
            *(("type_pj[]", piece.type_code or "") for piece in annexes),
        ]
        uploads = [upload(followup.archive_name, main, "acte_pdf_file", 1)]
        uploads += [
            upload(followup.archive_name, piece, "acte_attachments[]", rank)
            for rank, piece in enumerate(annexes, 2)
        ]
        return client.post(f"{ACTES}/actes_transac_reponse_create.php", fields, uploads)

    def _speaker(self, siren: str) -> Client:
        """The client of who only asks: without a certificate there is nobody to ask."""
        try:
            return self._client(siren)
        except Rejected as refused:
            raise AccountRefused(refused.reason) from refused


def _exchanges(client: Client, followup: Followup) -> list[Listed]:
    """The exchanges of an act: a letter until it is answered, then its replies instead; and its cancellations."""
    path = f"{ACTES}/actes_transac_get_document.php"
    if followup.deposit:
        raw = client.get(path, id=_number(followup.deposit, followup.account.siren))
    else:
        raw = client.get(path, unique_id=followup.identifier)
    lines = [line.strip() for line in decode(raw).splitlines() if line.strip()]
    if lines and lines[0].startswith("KO"):
        # No refusal: a message whose answer was lost may be there all the same.
        raise unexpected(raw, f"S2LOW ne dit pas les échanges de {followup.identifier}")
    matches = [_LISTED.fullmatch(line) for line in lines]
    if not all(matches):
        raise unexpected(raw)
    return [Listed(match[1], int(match[2]), match[3]) for match in matches if match]


def _is_this(client: Client, exchange: Listed, followup: Followup) -> bool:
    """True when an exchange is this very reply."""
    if names := posted(client, exchange.number):
        return names[:1] == [filename(followup.archive_name, piece, 1) for piece in followup.pieces[:1]]
    try:
        members = {
            member.name: member
            for member in unpack(_raw_archive(client, exchange.number), MAX_ANSWER).members
        }
        message, code = _message(tuple(members.values()))
    except BadArchive as bad:
        raise Uncertain(f"L’envoi {exchange.number} de S2LOW ne peut pas être lu : {bad.sentence}") from bad
    read = read_exchange(message.content or b"")
    # It may be this very one: nothing is sent again while that is not known.
    if code is None or (code == followup.code and not set(read.files) <= set(members)):
        raise Uncertain(f"L’envoi {exchange.number} de S2LOW ne dit pas ce qu’il est.")
    meant = (followup.code, followup.identifier, followup.letter_date)
    return (code, read.identifier, read.dated_on) == meant and [
        members[name].sha256 for name in read.files
    ] == [piece.sha256 for piece in followup.pieces]


def _unread(raw: bytes) -> list[tuple[str, About]]:
    """The number of each, and what is said of it."""
    listed = _json(raw)
    if not isinstance(listed, list):
        raise unexpected(raw)
    rows = {str(row.get("id")): _about(row) for row in listed if isinstance(row, dict)}
    if not all(number.isdecimal() for number in rows):
        raise unexpected(raw)
    return sorted(rows.items(), key=lambda row: int(row[0]))


def _about(row: dict[str, Any]) -> About:
    code, identifier = f"{row.get('type')}-1", str(row.get("unique_id") or "")
    return About(code if code in LETTERS else None, identifier if IDENTIFIER.fullmatch(identifier) else None)


def _raw_archive(client: Client, number: str) -> bytes:
    """The archive of an exchange as it comes; refuses with `Unreachable` what is none but words."""
    raw = client.behind(
        f"{ACTES}/actes_transac_get_document.php", f"{ACTES}/actes_download_file.php", "env", id=number
    )
    if raw.startswith(b"KO") or is_words(raw):
        raise unexpected(raw, f"S2LOW ne donne pas l’échange {number}")
    return raw


def _letter(reference: str, raw: bytes, about: About) -> Letter | None:
    """The letter of an archive, every file that came with it kept; None when it is a message of ours."""
    name = f"courrier-{reference.rpartition('/')[2]}{suffix_of(raw)}"
    try:
        unpacked = unpack(raw, MAX_ANSWER)
        message, code = _message(unpacked.members)
    except BadArchive as bad:
        return Letter(reference, raw, name, (), bad.sentence, about)
    if code not in _WRITTEN:
        return None
    named = list(read_exchange(message.content or b"").files)
    rest = [
        member for member in unpacked.members if member is not message and not _ENVELOPE.match(member.name)
    ]
    rest.sort(key=lambda member: named.index(member.name) if member.name in named else len(named))
    files = tuple((member.name, member.content or b"") for member in rest)
    absent = [announced for announced in named if announced not in {file for file, _ in files}]
    if unpacked.missing is None and not absent:
        return Letter(reference, message.content or b"", message.name, files, about=about)
    trouble = f"Une partie de l’archive n’a pas pu être ouverte : {unpacked.missing}."
    if unpacked.missing is None:
        trouble = f"Le message annonce « {absent[0]} », qui n’est pas dans l’archive."
    return Letter(reference, message.content or b"", message.name, (*files, (name, raw)), trouble, about)


def _message(members: tuple[Member, ...]) -> tuple[Member, str | None]:
    """The message of an archive and its code; one that cannot be understood has none, and is known by its name."""
    forms = [
        member for member in members if start(member.head)[:1] == b"<" and not _ENVELOPE.match(member.name)
    ]
    forms += [
        member
        for member in members
        if member.name.lower().endswith(".xml") and not _ENVELOPE.match(member.name) and member not in forms
    ]
    for form in forms:
        code = open_message(form.content or b"").code
        if code in FORMS or code == "1-3":
            return form, code
    for form in forms:
        if MESSAGE.fullmatch(form.name):
            return form, None
    raise BadArchive("E02", "L’archive ne contient aucun message de la préfecture.")


def _number(reference: str | None, siren: str) -> str:
    owner, _, number = (reference or "").partition("/")
    if owner != siren or not number.isdecimal():
        raise Rejected(
            f"« {reference or ''} » n’est pas venu par cet opérateur : rien ne peut y répondre. Vérifiez l’opérateur réglé."
        )
    return number


def _json(raw: bytes) -> Any:
    try:
        return json.loads(decode_json(raw))
    except ValueError:
        raise unexpected(raw) from None
