"""A key held by a trust service, asked by the Cloud Signature Consortium API, version 1.0.4 (§ numbers below are its own).

Two steps, because a person authorises in between, on a telephone or on the service's own page: `begin` says what is
authorised, `finish` brings the answer and takes the signatures. A `Challenge` holds no secret: it may be kept in a row
while the browser is away. PIN, OTP, codes and the SAD (signature activation data) live in one call and are not kept.
"""

import json
from base64 import b64decode, b64encode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from pydantic import SecretStr

from app.core.refusals import Refusal
from app.core.security import new_token
from app.signing import algorithms
from app.signing.network import AnsweredError, Outside, UnreachableError

JSON, FORM = "application/json", "application/x-www-form-urlencoded"
MOST_BYTES, LONGEST_CHAIN, MOST_PAGES = 256 * 1024, 8, 20
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
HASHES = {
    "sha256": "2.16.840.1.101.3.4.2.1",
    "sha384": "2.16.840.1.101.3.4.2.2",
    "sha512": "2.16.840.1.101.3.4.2.3",
}
RSA = "1.2.840.113549.1.1.1"
SIGNATURES = {  # what a service may list for a key (§11.5 « key/algo »), best first
    ("RSA", "sha256"): ("1.2.840.113549.1.1.11", RSA),
    ("EC", "sha256"): ("1.2.840.10045.4.3.2",),
    ("EC", "sha384"): ("1.2.840.10045.4.3.3",),
    ("EC", "sha512"): ("1.2.840.10045.4.3.4",),
}
WRONG_CODES = {"invalid_otp", "invalid_pin", "invalid_grant", "access_denied"}  # §10.1, and RFC 6749 §5.2


@dataclass(frozen=True)
class Service:
    """A trust service: its address up to « /csc/v1 », its OAuth 2.0 address if any, and our bearer token there (§8.3).

    `url` and `oauth` are in https, except on this very machine. `timeout` in seconds bounds each answer.
    """

    url: str
    bearer: SecretStr
    oauth: str = ""
    client: str = ""
    client_secret: SecretStr = field(default=SecretStr(""), repr=False)
    redirect: str = ""
    timeout: float = 20.0

    def credentials(self) -> tuple[str, ...]:
        """The credentials that our token may use (§11.4), every page of them."""
        found: list[str] = []
        page: dict[str, str] = {}
        for _ in range(MOST_PAGES):
            said = self.ask("credentials/list", page)
            found += [_text(one) for one in _list(said, "credentialIDs", 1000)]
            if not said.get("nextPageToken"):
                break
            page = {"pageToken": _text(said["nextPageToken"])}
        return tuple(found)

    def ask(
        self, method: str, body: Mapping[str, Any], secrets: Mapping[str, SecretStr] | None = None
    ) -> dict[str, Any]:
        """The answer of a method of the API, always an object; `secrets` join the body where it leaves.

        Refuses `csc-silent`, `csc-access-refused` (our token), `csc-code-wrong`, `csc-answer-invalid`.
        """
        address = f"{self.url.rstrip('/')}/{method}"
        return _object(
            _told(
                lambda: self._out(address).post(
                    address, _json(body, secrets or {}), JSON, JSON, bearer=self.bearer.get_secret_value()
                )
            )
        )

    def grant(self, code: SecretStr) -> SecretStr:
        """The SAD for the code that the service's own page gave back (§8.3.3)."""
        address = f"{self.oauth.rstrip('/')}/oauth2/token"
        given = {
            "grant_type": "authorization_code",
            "client_id": self.client,
            "redirect_uri": self.redirect,
        }
        said = _object(
            _told(
                lambda: self._out(address).post(
                    address, _form(given, {"code": code, "client_secret": self.client_secret}), FORM, JSON
                )
            )
        )
        return SecretStr(_text(said.get("access_token")))

    def _out(self, address: str) -> Outside:
        parts = urlsplit(address)
        if parts.scheme != "https" and parts.hostname not in LOOPBACK:
            raise Refusal("csc-address-unsafe", host=parts.hostname or "?")
        return Outside(
            [urlsplit(one).netloc for one in (self.url, self.oauth) if one], self.timeout, MOST_BYTES
        )


@dataclass(frozen=True)
class Challenge:
    """What one authorisation covers, and what it waits for; without any secret.

    `hashes`: the very hashes that will be signed, no more, no fewer (SCAL2). `wants`: « pin », « otp » or « code », in
    the order of asking; nothing when the token is enough. `page`: where the person authorises, when it is the
    service's own page; its answer carries `state`.
    """

    credential: str
    hashes: tuple[bytes, ...]
    wants: tuple[str, ...]
    page: str = ""
    state: str = ""

    def dump(self) -> dict[str, Any]:
        """The same as plain JSON, for a row that outlives the request."""
        return {
            **vars(self),
            "hashes": [b64encode(one).decode() for one in self.hashes],
            "wants": list(self.wants),
        }

    @classmethod
    def load(cls, kept: Mapping[str, Any]) -> "Challenge":
        """A challenge that was kept by `dump`."""
        hashes = tuple(b64decode(one) for one in kept["hashes"])
        return cls(kept["credential"], hashes, tuple(kept["wants"]), kept["page"], kept["state"])


@dataclass(frozen=True)
class CscKey:
    """A credential of a trust service: its certificate and those above it (DER, nearest first), and how it is authorised.

    `most`: hashes in one authorisation (§11.5 « multisign »).
    """

    certificate: bytes = field(repr=False)
    chain: tuple[bytes, ...] = field(repr=False)
    digest: str
    credential: str
    most: int
    wants: tuple[str, ...]
    sends_otp: bool
    _algorithm: str
    _service: Service = field(repr=False, compare=False)
    name: str = "csc"
    external: bool = True

    @classmethod
    def open(cls, service: Service, credential: str) -> "CscKey":
        """The credential, as the service describes it (§11.5).

        Refuses `csc-credential-unusable` when its key is not enabled or signs with no algorithm of ours, what `ask`
        and `algorithms.of` refuse.
        """
        asked = {"credentialID": credential, "certificates": "chain", "authInfo": True}
        said = service.ask("credentials/info", asked)
        key, cert = _member(said, "key"), _member(said, "cert")
        certificate, *chain = [_bytes(one) for one in _list(cert, "certificates", LONGEST_CHAIN)]
        facts = algorithms.of(certificate)
        known = [one for one in SIGNATURES[facts.kind, facts.digest] if one in _list(key, "algo", 100)]
        if key.get("status") != "enabled" or cert.get("status", "valid") != "valid" or not known:
            raise Refusal("csc-credential-unusable", credential=credential)
        otp = said.get("OTP") or {}
        return cls(
            certificate,
            tuple(chain),
            facts.digest,
            credential,
            _count(said.get("multisign", 1)),
            _wanted(said),
            isinstance(otp, Mapping) and otp.get("type") == "online",
            known[0],
            service,
        )

    def begin(self, hashes: Sequence[bytes]) -> tuple[Challenge, ...]:
        """One challenge for each authorisation that these hashes need, at most `most` hashes in each, in order.

        The hashes are those of `digest` over what is signed. When the service sends the OTP itself (§11.7), it is sent
        for the first challenge; `send_otp` sends the next ones, each in its time.
        """
        groups = [tuple(hashes[n : n + self.most]) for n in range(0, len(hashes), self.most)]
        challenges = tuple(self._challenge(group) for group in groups)
        if challenges:
            self.send_otp(challenges[0])
        return challenges

    def send_otp(self, challenge: Challenge) -> None:
        """Have the service send its one-time password, when it is the one that sends it."""
        if self.sends_otp and "otp" in challenge.wants:
            self._service.ask("credentials/sendOTP", {"credentialID": self.credential})

    def finish(
        self,
        challenge: Challenge,
        *,
        pin: SecretStr | None = None,
        otp: SecretStr | None = None,
        code: SecretStr | None = None,
    ) -> list[bytes]:
        """The signatures of the challenge's hashes, in order: authorised for these hashes only, then taken (§11.6, §11.9).

        Refuses `csc-code-wrong` when what the challenge wants is missing or wrong, `csc-answer-invalid` when the
        service gives back another number of signatures, and what `Service.ask` refuses. Whether each is the signature
        of its document is proven where it is embedded.
        """
        given = {name: one for name, one in (("pin", pin), ("otp", otp), ("code", code)) if one is not None}
        if challenge.credential != self.credential or set(challenge.wants) - set(given):
            raise Refusal("csc-code-wrong")
        hashes = [b64encode(one).decode() for one in challenge.hashes]
        sad = (
            self._service.grant(given["code"])
            if "code" in challenge.wants
            else self._authorise(hashes, given)
        )
        asked = {
            "credentialID": self.credential,
            "hash": hashes,
            "hashAlgo": HASHES[self.digest],
            "signAlgo": self._algorithm,
        }
        said = self._service.ask("signatures/signHash", asked, {"SAD": sad})
        signatures = [_bytes(one) for one in _list(said, "signatures", len(hashes))]
        if len(signatures) != len(hashes):
            raise Refusal("csc-answer-invalid", what="nombre de signatures")
        return signatures

    def _authorise(self, hashes: list[str], given: Mapping[str, SecretStr]) -> SecretStr:
        asked = {"credentialID": self.credential, "numSignatures": len(hashes), "hash": hashes}
        secrets = {name.upper(): one for name, one in given.items() if name in self.wants}
        return SecretStr(_text(self._service.ask("credentials/authorize", asked, secrets).get("SAD")))

    def _challenge(self, hashes: tuple[bytes, ...]) -> Challenge:
        if self.wants != ("code",):
            return Challenge(self.credential, hashes, self.wants)
        state = new_token()
        asked = {
            "response_type": "code",
            "client_id": self._service.client,
            "redirect_uri": self._service.redirect,
            "scope": "credential",
            "state": state,
            "credentialID": self.credential,
            "numSignatures": len(hashes),
            "hash": ",".join(urlsafe_b64encode(one).decode() for one in hashes),
        }
        page = f"{self._service.oauth.rstrip('/')}/oauth2/authorize?{urlencode(asked)}"
        return Challenge(self.credential, hashes, self.wants, page, state)


def _wanted(said: Mapping[str, Any]) -> tuple[str, ...]:
    """What an authorisation waits for, by « authMode » and by the « presence » of PIN and OTP (§11.5)."""
    mode = said.get("authMode")
    if mode == "oauth2code":
        return ("code",)
    if mode == "implicit":
        return ()
    if mode != "explicit":
        raise Refusal("csc-answer-invalid", what="authMode")
    return tuple(name.lower() for name in ("PIN", "OTP") if _member(said, name, {}).get("presence") == "true")


def _count(found: Any) -> int:
    if not isinstance(found, int) or isinstance(found, bool) or found < 1:
        raise Refusal("csc-answer-invalid", what="multisign")
    return found


def _told(ask: Callable[[], bytes]) -> bytes:
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
        said = json.loads(body or b"{}")
    except ValueError:
        said = {}
    code = said.get("error") if isinstance(said, dict) else None
    if code in WRONG_CODES:
        return Refusal("csc-code-wrong")
    if status in {401, 403}:
        return Refusal("csc-access-refused")
    return Refusal("csc-silent") if status >= 500 else Refusal("csc-answer-invalid", what=f"code {status}")


def _json(body: Mapping[str, Any], secrets: Mapping[str, SecretStr]) -> bytes:
    return json.dumps({**body, **{name: one.get_secret_value() for name, one in secrets.items()}}).encode()


def _form(body: Mapping[str, str], secrets: Mapping[str, SecretStr]) -> bytes:
    return urlencode({**body, **{name: one.get_secret_value() for name, one in secrets.items()}}).encode()


def _object(data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data or b"{}")
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Refusal("csc-answer-invalid", what="objet JSON")
    return found


def _member(
    said: Mapping[str, Any], name: str, default: Mapping[str, Any] | None = None
) -> Mapping[str, Any]:
    found = said.get(name, default)
    if not isinstance(found, Mapping):
        raise Refusal("csc-answer-invalid", what=name)
    return found


def _list(said: Mapping[str, Any], name: str, most: int) -> list[Any]:
    found = said.get(name)
    if not isinstance(found, list) or not 0 < len(found) <= most:
        raise Refusal("csc-answer-invalid", what=name)
    return found


def _text(found: Any) -> str:
    if not isinstance(found, str) or not found:
        raise Refusal("csc-answer-invalid", what="texte")
    return found


def _bytes(found: Any) -> bytes:
    try:
        return b64decode(_text(found), validate=True)
    except (NotBase64, ValueError) as error:
        raise Refusal("csc-answer-invalid", what="base64") from error
