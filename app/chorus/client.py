"""One client of Chorus Pro for one technical account: a token from PISTE, the account's own header, each answer judged.

Sources: AIFE, Swagger of « Factures »; RFC 6749 (client credentials).
"""

import json
import threading
import time
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from http import HTTPStatus
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

from pydantic import ValidationError

from app.chorus.answers import (
    Answer,
    Consulted,
    Download,
    Found,
    History,
    Listed,
    Rates,
    Service,
    Services,
    Structure,
    Structures,
    Targets,
    Token,
    Treated,
)
from app.chorus.faults import (
    ACCOUNT,
    ADDRESS,
    APPLICATION,
    MAINTENANCE,
    RIGHT,
    SLOW,
    SPOKEN,
    Barred,
    Lost,
    Refused,
    Silent,
    TooBig,
    Unentitled,
)
from app.chorus.wire import TOKEN, Heard, Wire

A = TypeVar("A", bound=Answer)
JSON: Final = "application/json;charset=utf-8"
EARLY: Final = 240.0
"""Seconds before its end at which a token is asked again."""
EMPTY: Final = 20000
"""`codeRetour` of a list that holds nothing (TRA_MSG_00.015)."""
PER_PAGE: Final = 1000
MOST_PAGES: Final = 1000
MOTIVE: Final = 255
"""The longest `motif`."""
KINDS: Final = ("FACTURE", "FACTURE_TRAVAUX")
"""What may be asked, one at a time (`typeDemandePaiement`)."""


@dataclass(frozen=True)
class Identity:
    """Who asks: an application of PISTE, and the technical account of a structure."""

    client: str
    secret: str = field(repr=False)
    login: str
    password: str = field(repr=False)

    @property
    def account(self) -> str:
        """The header of the account: UTF-8, then base64."""
        return b64encode(f"{self.login}:{self.password}".encode()).decode()


class _Tokens:
    """The tokens of this process, each for one application: its threads share them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, tuple[str, float]] = {}

    def get(self, wire: Wire, identity: Identity, *, instead_of: str = "") -> str:
        """A token that lasts; another one than `instead_of`, which was refused."""
        name = sha256(
            f"{type(wire).__name__} {wire.simulated} {identity.client} {identity.secret}".encode()
        ).hexdigest()
        with self._lock:
            value, ends = self._known.get(name, ("", 0.0))
            if not value or value == instead_of or time.monotonic() >= ends:
                token = _asked(wire, identity)
                value = token.value
                lasts = token.seconds - EARLY if token.seconds > 2 * EARLY else token.seconds / 2
                self._known[name] = (value, time.monotonic() + lasts)
        return value

    def forget(self) -> None:
        """Ask for each again."""
        with self._lock:
            self._known.clear()


tokens: Final = _Tokens()


def _asked(wire: Wire, identity: Identity) -> Token:
    form = {
        "grant_type": "client_credentials",
        "client_id": identity.client,
        "client_secret": identity.secret,
        "scope": "openid",
    }
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    heard = wire.post(TOKEN, headers, urlencode(form).encode())
    if heard.status in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        raise Barred(APPLICATION)
    if heard.status == HTTPStatus.NOT_FOUND:
        raise Barred(ADDRESS)
    if heard.status != HTTPStatus.OK:
        raise Silent(f"PISTE répond par une erreur (HTTP {heard.status})", _seconds(heard))
    try:
        return Token.model_validate(_json(heard))
    except (ValidationError, ValueError) as error:
        raise Silent(f"{MAINTENANCE} (PISTE)") from error


class Client:
    """Asks Chorus Pro in the name of one technical account; `count` says how many calls were made."""

    def __init__(self, wire: Wire, identity: Identity) -> None:
        self._wire, self._identity = wire, identity
        self.count = 0

    @property
    def simulated(self) -> bool:
        """True when nothing reaches the State."""
        return self._wire.simulated

    def greet(self) -> None:
        """Ask what changes nothing, only to be let in."""
        self._ask("transverses/v1/recuperer/tauxtva", {}, Rates)

    def structures(self) -> list[Structure]:
        """The structures for which this account receives."""
        path = "transverses/v1/recuperer/structures/actives/destinataire"
        return self._ask(path, {}, Structures, empty=EMPTY).structures

    def password_ends(self, structure: int) -> str:
        """The day on which the password of the technical account ends, as Chorus Pro writes it; empty where it does not say."""
        answer = self._ask(
            "structures/v1/consulter", {"codeLangue": "fr", "idStructure": structure}, Consulted
        )
        return answer.general.password_ends if answer.general is not None else ""

    def services(self, structure: int) -> list[Service]:
        """The services of a structure, page after page."""
        services: list[Service] = []
        for page in range(1, MOST_PAGES + 1):
            question = {
                "idStructure": structure,
                "parametresRechercherServicesStructure": {
                    "pageResultatDemandee": page,
                    "nbResultatsParPage": PER_PAGE,
                    "triSens": "Ascendant",
                    "triColonne": "CodeService",
                },
            }
            answer = self._ask("structures/v1/rechercher/services", question, Services, empty=EMPTY)
            services += answer.services
            # One that does not say how many pages there are has no other: it holds no invoice that could be lost
            if answer.code == EMPTY or answer.inside is None or page >= (answer.inside.pages or 0):
                return services
        raise Silent(f"{SPOKEN} : une liste de plus de {MOST_PAGES} pages")

    def changed(
        self, structure: int, kind: str, since: str, service: int | None = None
    ) -> Iterator[list[Listed]]:
        """The invoices of a kind whose status changed since a moment, page after page, the oldest deposit first.

        Of one service of the structure, or of all of it.

        No end is asked: what changes meanwhile stays in the list, and no other is moved to a page that was read already.
        Raises `Silent` for a page that does not say how many there are: it is no end.
        """
        for page in range(1, MOST_PAGES + 1):
            question = {
                "typeDemandePaiement": kind,
                "idDestinataire": structure,
                "periodeDateHeureEtatCourantDu": since,
                "paramRecherche": {
                    "pageResultatDemandee": page,
                    "nbResultatsParPage": PER_PAGE,
                    "triSens": "Ascendant",
                    "triColonne": "DateDepot",
                },
            } | ({} if service is None else {"idServiceExecutant": service})
            answer = self._ask("factures/v1/rechercher/recipiendaire", question, Found, empty=EMPTY)
            if answer.code == EMPTY:
                return
            yield answer.invoices
            current, pages = answer.place
            if pages is None:
                raise Silent(f"{SPOKEN} : une liste sans son nombre de pages")
            if (current or page) >= pages:
                return
        raise Silent(f"{SPOKEN} : une liste de plus de {MOST_PAGES} pages")

    def history(self, invoice: int) -> History:
        """What became of an invoice there."""
        question = {"idFacture": invoice, "nbResultatsMaximum": 50}
        return self._ask("factures/v1/consulter/historique", question, History)

    def pivot(self, invoice: int) -> bytes:
        """The invoice and its files, in the format « PIVOT »; raises `TooBig`."""
        question = {"format": "PIVOT", "listeFacture": [{"idFacture": invoice}]}
        answer = self._ask("factures/v1/telecharger/groupe", question, Download)
        try:
            data = b64decode(answer.data or "", validate=True)
        except ValueError as error:
            raise Silent(f"{SPOKEN} : un fichier illisible") from error
        if not data:
            raise Silent(f"{SPOKEN} : un fichier vide")
        return data

    def targets(self, status: str) -> set[str]:
        """The statuses that may be given to what has this one."""
        path = "transverses/v1/recuperer/etats/traitement"
        answer = self._ask(path, {"statutCourant": status}, Targets, empty=EMPTY)
        return {target.status for target in answer.targets}

    def treat(self, invoice: int, status: str, motive: str, mandate: str) -> Treated:
        """Give a status to an invoice; raises `Lost` when nobody knows whether it has it now, `Refused` when it has not."""
        question = {"idFacture": invoice, "nouveauStatut": status}
        question |= {"motif": motive[:MOTIVE]} if motive else {}
        question |= {"numeroDPMandat": mandate} if mandate else {}
        return self._ask("factures/v1/traiter/recue", question, Treated, writes=True)

    def _ask(
        self,
        path: str,
        question: dict[str, Any],
        shape: type[A],
        *,
        empty: int | None = None,
        writes: bool = False,
    ) -> A:
        """An answer that says that it went well, or that the list is `empty`; raises a fault for any other."""
        heard = self._heard(path, json.dumps(question, ensure_ascii=False).encode())
        _judge_status(heard, writes=writes)
        lost = Lost if writes else Silent
        try:
            content = _json(heard)
        except ValueError as error:
            raise lost(MAINTENANCE) from error
        try:
            verdict = Answer.model_validate(content)
            if verdict.code not in {0, empty}:
                raise Refused(verdict.code, verdict.label)
            return shape.model_validate(content)
        except ValidationError as error:
            where = ".".join(map(str, error.errors()[0]["loc"]))
            raise lost(f"{SPOKEN} : « {where} » ({path})") from error

    def _heard(self, path: str, data: bytes) -> Heard:
        """The answer to a call; a token that is refused is asked again, once."""
        token = tokens.get(self._wire, self._identity)
        heard = self._post(path, data, token)
        if heard.status == HTTPStatus.UNAUTHORIZED:
            heard = self._post(path, data, tokens.get(self._wire, self._identity, instead_of=token))
        return heard

    def _post(self, path: str, data: bytes, token: str) -> Heard:
        self.count += 1
        headers = {
            "Authorization": f"Bearer {token}",
            "cpro-account": self._identity.account,
            "Content-Type": JSON,
            "Accept": JSON,
        }
        return self._wire.post(path, headers, data)


def _judge_status(heard: Heard, *, writes: bool) -> None:
    """Raise what another status than 200 means."""
    status = heard.status
    if status == HTTPStatus.OK:
        return
    if status == HTTPStatus.FORBIDDEN:
        raise Unentitled(RIGHT)
    if status in _BARS:
        raise Barred(_BARS[HTTPStatus(status)])
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        raise TooBig("Chorus Pro ne donne pas d’un coup plus de 120 Mo (HTTP 413)")
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        raise Silent(SLOW, _seconds(heard))
    if status == HTTPStatus.BAD_REQUEST:
        raise Refused(status, "demande mal formée (HTTP 400)")
    kind = Lost if writes else Silent
    raise kind(f"Chorus Pro répond par une erreur (HTTP {status})", _seconds(heard))


_BARS: Final = {
    HTTPStatus.UNAUTHORIZED: ACCOUNT,
    HTTPStatus.NOT_FOUND: ADDRESS,
}


def _seconds(heard: Heard) -> float | None:
    """What « Retry-After » asks, an hour at most."""
    text = heard.headers.get("retry-after", "")
    return min(float(text), 3600.0) if text.isascii() and text.isdigit() and len(text) < 8 else None


def _json(heard: Heard) -> dict[str, Any]:
    """The object that was answered; raises ValueError for a page of HTML, an empty body or anything else."""
    content = json.loads(heard.data)
    if isinstance(content, dict):
        return content
    raise ValueError("no object")


def of_sirets(structures: Sequence[Structure], sirets: Sequence[str]) -> list[Structure]:
    """Those of these SIRETs, all of them where none is named."""
    return [structure for structure in structures if not sirets or structure.siret in sirets]
