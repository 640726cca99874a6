"""The trust service itself: how it is asked, how it knows us, and what its refusals say (Cloud Signature Consortium API 1.0.4).

§ numbers are the API's own. Only the hosts of the two addresses that the installation names are ever asked.
"""

import json
import time
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from pydantic import SecretStr

from app.core.addresses import AddressRefusedError, Allowed, entry_of, read
from app.core.refusals import Refusal
from app.trust.network import AnsweredError, Outside, UnreachableError
from config import LOOPBACK

JSON, FORM = "application/json", "application/x-www-form-urlencoded"
MOST_BYTES, MOST_CREDENTIALS, MOST_PAGES = 256 * 1024, 1000, 20
LIFE, MARGIN = 300.0, 30.0  # seconds: of a token that does not say its own, and kept off the one that it says
# §10.1, §11.6 and §11.9; some services say « invalid_request » for all of them, and only the words differ
WRONG_CODES, WRONG_WORDS = {"invalid_otp", "invalid_pin"}, {"the pin is invalid", "the otp is invalid"}


@dataclass(frozen=True)
class Service:
    """A trust service: its address up to « /csc/v1 », its OAuth 2.0 address if any, and how it knows us there (§8.3).

    `bearer` is a token that the service gave us for good; without one, a token is asked with the client's own secret
    (RFC 6749 §4.4) and kept in memory until it ends. `url` and `oauth` are in https, except on this very machine.
    `timeout` in seconds bounds each answer.
    """

    url: str
    bearer: SecretStr = field(default=SecretStr(""))
    oauth: str = ""
    client: str = ""
    client_secret: SecretStr = field(default=SecretStr(""), repr=False)
    redirect: str = ""
    timeout: float = 20.0
    _tokens: dict[str, tuple[SecretStr, float]] = field(default_factory=dict, repr=False, compare=False)

    def credentials(self, user: str = "") -> tuple[str, ...]:
        """The credentials of a user of the service, or without one all that our token may use (§11.4), every page."""
        credentials: list[str] = []
        query = {"userID": user} if user else {}
        page: dict[str, str] = {}
        for _ in range(MOST_PAGES):
            answer = self.ask("credentials/list", {**query, **page})
            credentials += [
                text(credential) for credential in listed(answer, "credentialIDs", MOST_CREDENTIALS, least=0)
            ]
            if not answer.get("nextPageToken"):
                break
            page = {"pageToken": text(answer["nextPageToken"])}
        return tuple(credentials)

    def ask(
        self, method: str, body: Mapping[str, Any], secrets: Mapping[str, SecretStr] | None = None
    ) -> dict[str, Any]:
        """The answer of a method of the API, always an object; `secrets` join the body where it leaves.

        Refuses `csc-silent`, `csc-access-refused` (our token), `csc-code-wrong`, `csc-credential-locked`,
        `csc-authorization-expired`, `csc-answer-invalid`.
        """
        try:
            return self._ask(method, body, secrets or {})
        except Refusal as refusal:
            if refusal.key != "csc-access-refused" or self._tokens.pop("access", None) is None:
                raise
        return self._ask(method, body, secrets or {})  # the token that we kept was withdrawn: with a new one

    def grant(self, code: SecretStr) -> SecretStr:
        """The SAD for the code that the service's own page gave back (§8.3.3)."""
        body = {"grant_type": "authorization_code", "redirect_uri": self.redirect}
        return SecretStr(text(self._token(body, {"code": code}).get("access_token")))

    def _ask(self, method: str, body: Mapping[str, Any], secrets: Mapping[str, SecretStr]) -> dict[str, Any]:
        address, bearer = f"{self.url.rstrip('/')}/{method}", self._access()
        return _object(
            _translated(
                lambda: self._out(address).post(
                    address, _json(body, secrets), JSON, JSON, bearer=bearer.get_secret_value()
                )
            )
        )

    def _access(self) -> SecretStr:
        """Our own token: the one of the settings, or one that we are given for our secret (§8.3.3, client credentials)."""
        if self.bearer.get_secret_value():
            return self.bearer
        token = self._tokens.get("access")
        if token is None or token[1] < time.monotonic():
            try:
                answer = self._token({"grant_type": "client_credentials"}, {})
            except Refusal as refusal:
                raise refusal if refusal.key == "csc-silent" else Refusal("csc-access-refused") from None
            life = answer.get("expires_in", LIFE)
            life = life if isinstance(life, int | float) else LIFE
            token = SecretStr(text(answer.get("access_token"))), time.monotonic() + life - MARGIN
            self._tokens["access"] = token
        return token[0]

    def _token(self, fields: Mapping[str, str], secrets: Mapping[str, SecretStr]) -> dict[str, Any]:
        address = f"{self.oauth.rstrip('/')}/oauth2/token"
        body = {**fields, "client_id": self.client}
        return _object(
            _translated(
                lambda: self._out(address).post(
                    address, _form(body, {**secrets, "client_secret": self.client_secret}), FORM, JSON
                )
            )
        )

    def _out(self, address: str) -> Outside:
        try:
            target = read(address)
        except AddressRefusedError:
            raise Refusal("csc-address-unsafe", host="?") from None
        if target.scheme != "https" and target.host not in LOOPBACK:
            raise Refusal("csc-address-unsafe", host=target.host)
        allowed = Allowed(inside=[entry_of(address) for address in (self.url, self.oauth) if address])
        return Outside(allowed, self.timeout, MOST_BYTES)


def _translated(ask: Callable[[], bytes]) -> bytes:
    """Say in French what went wrong; nothing is chained, because the frames of the request hold secrets."""
    try:
        return ask()
    except AnsweredError as error:
        refused = _refusal(error.status, error.body)
    except UnreachableError:
        refused = Refusal("csc-silent")
    raise refused


def _refusal(status: int, body: bytes) -> Refusal:
    try:
        answer = json.loads(body or b"{}")
    except ValueError:
        answer = {}
    answer = answer if isinstance(answer, dict) else {}
    code, description = answer.get("error"), str(answer.get("error_description", "")).strip(" .").lower()
    if "locked" in description.split():
        return Refusal("csc-credential-locked")
    if code in WRONG_CODES or description in WRONG_WORDS:
        return Refusal("csc-code-wrong")
    if code == "invalid_grant" or description == "sad expired":
        return Refusal("csc-authorization-expired")
    if status in {401, 403}:
        return Refusal("csc-access-refused")
    return Refusal("csc-silent") if status >= 500 else Refusal("csc-answer-invalid", what=f"code {status}")


def _json(body: Mapping[str, Any], secrets: Mapping[str, SecretStr]) -> bytes:
    return json.dumps(
        {**body, **{name: secret.get_secret_value() for name, secret in secrets.items()}}
    ).encode()


def _form(body: Mapping[str, str], secrets: Mapping[str, SecretStr]) -> bytes:
    return urlencode(
        {**body, **{name: secret.get_secret_value() for name, secret in secrets.items()}}
    ).encode()


def _object(data: bytes) -> dict[str, Any]:
    try:
        content = json.loads(data or b"{}")
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise Refusal("csc-answer-invalid", what="objet JSON")
    return content


def member(
    answer: Mapping[str, Any], name: str, default: Mapping[str, Any] | None = None
) -> Mapping[str, Any]:
    """A member that is an object; refuses `csc-answer-invalid`."""
    value = answer.get(name, default)
    if not isinstance(value, Mapping):
        raise Refusal("csc-answer-invalid", what=name)
    return value


def listed(answer: Mapping[str, Any], name: str, most: int, *, least: int = 1) -> list[Any]:
    """A member that is a list of an expected length; refuses `csc-answer-invalid`."""
    value = answer.get(name)
    if not isinstance(value, list) or not least <= len(value) <= most:
        raise Refusal("csc-answer-invalid", what=name)
    return value


def text(value: Any) -> str:
    """A text that says something; refuses `csc-answer-invalid`."""
    if not isinstance(value, str) or not value:
        raise Refusal("csc-answer-invalid", what="texte")
    return value


def decoded(value: Any) -> bytes:
    """The bytes that a text in base64 stands for; refuses `csc-answer-invalid`."""
    try:
        return b64decode(text(value), validate=True)
    except (NotBase64, ValueError) as error:
        raise Refusal("csc-answer-invalid", what="base64") from error
