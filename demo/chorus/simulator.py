"""A simulated Chorus Pro behind a simulated PISTE: what it is asked is answered, unless something else is to be played."""

import json
import random
import secrets
import sqlite3
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs

from app.chorus.faults import Lost, Silent
from app.chorus.wire import Heard
from demo.chorus.answers import respond
from demo.chorus.state import CLIENT, SECRET, State

FOLDER: Final = "chorus-factice"
SILENCE, ACCOUNT, RIGHT, QUOTA, LARGE, BROKEN, PAGE, LOST, SLOW = (
    "silence",
    "401",
    "403",
    "429",
    "413",
    "500",
    "page",
    "lost",
    "slow",
)
PLAYS: Final = {
    SILENCE: "Garder le silence",
    ACCOUNT: "Refuser le compte technique (401)",
    RIGHT: "Refuser l’habilitation (403)",
    QUOTA: "Demander d’attendre (429)",
    LARGE: "Fichier trop gros (413)",
    BROKEN: "Erreur du serveur (500)",
    PAGE: "Page de maintenance (HTML)",
    LOST: "Faire, et perdre la réponse (500)",
    SLOW: "Répondre lentement",
}
"""What may befall the next calls, with the words of its button."""
MOST_TIMES: Final = 50
SLOWLY: Final = 8.0
"""Seconds of a slow answer."""
JSON: Final = {"content-type": "application/json;charset=utf-8"}
_HTML: Final = b"<!DOCTYPE html><html><body>Chorus Pro est en maintenance. FACTICE</body></html>"
_WRITES: Final = "factures/v1/traiter/recue"
_LARGE: Final = "factures/v1/telecharger/groupe"


class SimulatedChorus:
    """The wire of tests and demonstrations; nothing leaves the machine.

    `failing`: the share of calls that fail by chance, drawn by `chance`, half of them once what was asked is done.
    """

    simulated = True

    def __init__(
        self,
        folder: Path,
        clock: Callable[[], datetime],
        *,
        failing: float = 0.0,
        chance: random.Random | None = None,
    ) -> None:
        self.state, self._clock = State(folder), clock
        self.failing, self._chance = failing, chance or random.Random(17)
        self._token = secrets.token_urlsafe(24)

    def post(self, path: str, headers: Mapping[str, str], data: bytes) -> Heard:
        """The answer; raises `Silent` or `Lost` where none comes."""
        if not path:
            return self._given(data)
        if headers.get("Authorization", "") != f"Bearer {self._token}":
            return Heard(401, JSON, b"")
        unlucky = self._chance.random() if self.failing else 1.0
        if unlucky < self.failing / 2:
            raise Silent("Chorus Pro FACTICE ne répond pas")
        play = self._played(path)
        if play == SLOW:
            time.sleep(SLOWLY)
        elif play in _BEFORE:
            return _BEFORE[play]
        elif play == SILENCE:
            raise Silent("Chorus Pro FACTICE garde le silence")
        heard = self._heard(path, headers, data)
        if unlucky < self.failing:
            raise Lost("La réponse de Chorus Pro FACTICE s’est perdue")
        return Heard(500, JSON, b"") if play == LOST else heard

    def _given(self, data: bytes) -> Heard:
        """A token, for the application of the demonstration."""
        form = {name: values[0] for name, values in parse_qs(data.decode()).items()}
        wanted = ("client_credentials", CLIENT, SECRET)
        if tuple(form.get(name) for name in ("grant_type", "client_id", "client_secret")) != wanted:
            fault = {"error": "invalid_client", "error_description": "The client credentials are invalid"}
            return Heard(400, JSON, json.dumps(fault).encode())
        token = {"access_token": self._token, "token_type": "Bearer", "expires_in": 3600, "scope": "openid"}
        return Heard(200, JSON, json.dumps(token).encode())

    def _heard(self, path: str, headers: Mapping[str, str], data: bytes) -> Heard:
        with self.state.written() as line:
            line.execute(
                "INSERT INTO call VALUES (?, 1) ON CONFLICT (path) DO UPDATE SET count = count + 1", (path,)
            )
            account = _account(line, headers.get("cpro-account", ""))
            if account is None:
                return Heard(401, JSON, b"")
            try:
                question = json.loads(data)
            except ValueError:
                return Heard(400, JSON, b"")
            if not isinstance(question, dict):
                return Heard(400, JSON, b"")
            content = respond(line, path, question, account, self._clock())
        if content is None:
            return Heard(404, {"www-authenticate": 'Bearer realm="PISTE"'}, b"")
        return Heard(200, JSON, json.dumps(content, ensure_ascii=False).encode())

    # what it is made to play

    def play(self, name: str, times: int) -> None:
        """Let this befall the next calls, so many of them; refuses ValueError an unknown play."""
        if name not in PLAYS or not 0 < times <= MOST_TIMES:
            raise ValueError(name)
        with self.state.written() as line:
            line.execute("INSERT INTO play (name, times) VALUES (?, ?)", (name, times))

    def forget(self) -> None:
        """Answer as usual."""
        with self.state.written() as line:
            line.execute("DELETE FROM play")

    def waiting(self) -> list[tuple[str, int]]:
        """What is to be played, and how often."""
        with self.state.written() as line:
            return line.execute("SELECT name, times FROM play WHERE times > 0 ORDER BY id").fetchall()

    def _played(self, path: str) -> str:
        with self.state.written() as line:
            for number, name in line.execute("SELECT id, name FROM play WHERE times > 0 ORDER BY id"):
                if (name == LOST and path != _WRITES) or (name == LARGE and path != _LARGE):
                    continue
                line.execute("UPDATE play SET times = times - 1 WHERE id = ?", (number,))
                return str(name)
        return ""


_BEFORE: Final = {
    ACCOUNT: Heard(401, JSON, b""),
    RIGHT: Heard(403, JSON, b'{"httpCode":"403","httpMessage":"Forbidden","moreInformation":"cpro-account"}'),
    QUOTA: Heard(429, JSON | {"retry-after": "5"}, b""),
    LARGE: Heard(413, JSON, b""),
    BROKEN: Heard(500, JSON, b""),
    PAGE: Heard(200, {"content-type": "text/html"}, _HTML),
}


def _account(line: sqlite3.Connection, header: str) -> tuple[int, str, str, str] | None:
    """The account of a call: structure, SIRET, name, end of the password; None for one that is not known."""
    for login, password, *rest in line.execute(
        "SELECT login, password, structure, siret, name, ends FROM account"
    ):
        if b64encode(f"{login}:{password}".encode()).decode() == header:
            structure, siret, name, ends = rest
            return structure, siret, name, ends
    return None
