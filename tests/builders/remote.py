"""A person who signs at the trust service, by the requests that his pages make."""

import re
from typing import Any
from urllib.parse import urlsplit

import requests

from app.core.db import reading
from app.signing import setting
from app.signing.remote.mine import Linked, linked
from tests.builders.house import House
from tests.builders.trust_service import CLIENT, CLIENT_SECRET, PIN, TrustService

PAGE, CHOOSE, CODE = (f"/compte/certificats/distance{end}" for end in ("", "/choisir", "/code"))


def settings_of(server: TrustService) -> dict[str, Any]:
    """How an administrator names this service."""
    return {
        "csc_url": f"{server.address}/csc/v1",
        "csc_oauth_url": server.address,
        "csc_client": CLIENT,
        "csc_client_secret": CLIENT_SECRET,
        "csc_name": "Signature de Bretagne",
    }


class At:
    """One person, one login session."""

    def __init__(self, house: House, server: TrustService, login: str) -> None:
        self.house, self.server, self.login = house, server, login
        self.client = house.client(login)
        self.token = house.csrf(self.client)

    # linking

    def post(self, path: str, **form: str) -> Any:
        return self.client.post(path, data={**form, "csrf_token": self.token})

    def choose(self, credential: str) -> Any:
        return self.post(CHOOSE, credential=credential)

    def prove(self, page: Any, pin: str = PIN, otp: str | None = None) -> Any:
        """Type the codes into the page that asks for them."""
        (name,) = re.findall(r'name="request" value="([^"]+)"', page.get_data(as_text=True))
        return self.post(CODE, request=name, pin=pin, otp=self.server.otps[-1] if otp is None else otp)

    def link(self, credential: str = "kerlann/a_kervadec") -> int:
        """Link a credential by its codes; returns the number by which the dialog knows it."""
        answer = self.prove(self.choose(credential))
        assert answer.status_code == 302, answer.get_data(as_text=True)
        return self.links()[0].id

    def links(self) -> list[Linked]:
        actor = self.house.actor(self.login)
        with reading(actor.collectivity_id) as db:
            return linked(db, actor.user_id, setting.remote_service().url)

    # signing

    def json(self, folder_id: int, verb: str, **body: Any) -> Any:
        return self.client.post(
            f"/dossiers/{folder_id}/signature/distance/{verb}", json=body, headers={"X-CSRFToken": self.token}
        )

    def prepare(self, folder_id: int, key: int | None = None, **more: Any) -> Any:
        body = {"version": self.house.folder(folder_id).version, "key": key or self.links()[0].id, **more}
        return self.json(folder_id, "preparer", **body)

    def authorise(self, folder_id: int, session: str, pin: str = PIN, otp: str | None = None) -> Any:
        otp = self.server.otps[-1] if otp is None else otp
        return self.json(folder_id, "autoriser", session=session, pin=pin, otp=otp)

    def complete(self, folder_id: int, session: str) -> Any:
        return self.json(folder_id, "terminer", session=session)

    def asked(self, folder_id: int) -> str:
        """The request that a preparation opens."""
        answer = self.prepare(folder_id)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        return str(answer.get_json()["session"])

    def accept(self, page: str) -> str:
        """Accept on the service's own page; returns the address where it sends the person back."""
        back = requests.get(page, allow_redirects=False, timeout=10).headers["Location"]
        parts = urlsplit(back)
        assert f"{parts.scheme}://{parts.netloc}" == self.house.settings.public_url
        return f"{parts.path}?{parts.query}"


def key_of(answer: Any) -> str:
    """By which refusal a request was answered."""
    return str(answer.get_json()["key"])
