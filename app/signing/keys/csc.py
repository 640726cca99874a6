"""A key held by a trust service, asked by the Cloud Signature Consortium API, version 1.0.4 (§ numbers below are its own).

Two steps, because a person authorises in between, on a telephone or on the service's own page: `challenges` says what is
authorised, `finish` brings the answer and takes the signatures. A `Challenge` holds no secret: it may be kept in a row
while the browser is away. PIN, OTP, codes and the SAD (signature activation data) live in one call and are not kept.
"""

from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from pydantic import SecretStr

from app.core.refusals import Refusal
from app.core.security import new_token
from app.signing.remote.service import Service, decoded, listed, member, text
from app.trust import algorithms

LONGEST_CHAIN = 8
MOST_ON_A_PAGE = 100
"""Hashes that the address of a page names at most (§8.3.2): with more it is longer than servers read, 8 kB in general."""
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
            "hashes": [b64encode(digest).decode() for digest in self.hashes],
            "wants": list(self.wants),
        }

    @classmethod
    def load(cls, fields: Mapping[str, Any]) -> "Challenge":
        """A challenge that was kept by `dump`."""
        hashes = tuple(b64decode(encoded) for encoded in fields["hashes"])
        return cls(fields["credential"], hashes, tuple(fields["wants"]), fields["page"], fields["state"])


@dataclass(frozen=True)
class CscKey:
    """A credential of a trust service: its certificate and those above it (DER, nearest first), and how it is authorised.

    `most`: hashes in one authorisation (§11.5 « multisign »), or as many as the address of its page can hold.
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
        body = {"credentialID": credential, "certificates": "chain", "authInfo": True}
        description = service.ask("credentials/info", body)
        key, cert = member(description, "key"), member(description, "cert")
        certificate, *chain = [decoded(encoded) for encoded in listed(cert, "certificates", LONGEST_CHAIN)]
        facts = algorithms.of(certificate)
        known = [
            algorithm
            for algorithm in SIGNATURES[facts.kind, facts.digest]
            if algorithm in listed(key, "algo", 100)
        ]
        if key.get("status") != "enabled" or cert.get("status", "valid") != "valid" or not known:
            raise Refusal("csc-credential-unusable", credential=credential)
        otp, wants, most = (
            description.get("OTP") or {},
            _wanted(description),
            _count(description.get("multisign", 1)),
        )
        return cls(
            certificate,
            tuple(chain),
            facts.digest,
            credential,
            min(most, MOST_ON_A_PAGE) if "code" in wants else most,
            wants,
            isinstance(otp, Mapping) and otp.get("type") == "online",
            known[0],
            service,
        )

    def challenges(self, hashes: Sequence[bytes]) -> tuple[Challenge, ...]:
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
        secrets = {
            name: secret
            for name, secret in (("pin", pin), ("otp", otp), ("code", code))
            if secret is not None
        }
        if challenge.credential != self.credential or set(challenge.wants) - set(secrets):
            raise Refusal("csc-code-wrong")
        hashes = [b64encode(digest).decode() for digest in challenge.hashes]
        sad = (
            self._service.grant(secrets["code"])
            if "code" in challenge.wants
            else self._authorise(hashes, secrets)
        )
        body = {
            "credentialID": self.credential,
            "hash": hashes,
            "hashAlgo": HASHES[self.digest],
            "signAlgo": self._algorithm,
        }
        answer = self._service.ask("signatures/signHash", body, {"SAD": sad})
        signatures = [decoded(encoded) for encoded in listed(answer, "signatures", len(hashes))]
        if len(signatures) != len(hashes):
            raise Refusal("csc-answer-invalid", what="nombre de signatures")
        return signatures

    def _authorise(self, hashes: list[str], codes: Mapping[str, SecretStr]) -> SecretStr:
        body = {"credentialID": self.credential, "numSignatures": len(hashes), "hash": hashes}
        secrets = {name.upper(): secret for name, secret in codes.items() if name in self.wants}
        return SecretStr(text(self._service.ask("credentials/authorize", body, secrets).get("SAD")))

    def _challenge(self, hashes: tuple[bytes, ...]) -> Challenge:
        if self.wants != ("code",):
            return Challenge(self.credential, hashes, self.wants)
        if not self._service.oauth:
            raise Refusal("csc-credential-unusable", credential=self.credential)
        state = new_token()
        parameters = {
            "response_type": "code",
            "client_id": self._service.client,
            "redirect_uri": self._service.redirect,
            "scope": "credential",
            "state": state,
            "credentialID": self.credential,
            "numSignatures": len(hashes),
            "hash": ",".join(urlsafe_b64encode(digest).decode() for digest in hashes),
        }
        page = f"{self._service.oauth.rstrip('/')}/oauth2/authorize?{urlencode(parameters)}"
        return Challenge(self.credential, hashes, self.wants, page, state)


def _wanted(description: Mapping[str, Any]) -> tuple[str, ...]:
    """What an authorisation waits for, by « authMode » and by the « presence » of PIN and OTP (§11.5)."""
    mode = description.get("authMode")
    if mode == "oauth2code":
        return ("code",)
    if mode == "implicit":
        return ()
    if mode != "explicit":
        raise Refusal("csc-answer-invalid", what="authMode")
    return tuple(
        name.lower() for name in ("PIN", "OTP") if member(description, name, {}).get("presence") == "true"
    )


def _count(count: Any) -> int:
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        raise Refusal("csc-answer-invalid", what="multisign")
    return count
