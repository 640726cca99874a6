"""Passkeys (WebAuthn Level 3): what the browser is asked, and whether its answer is that of the key that was enrolled.

The library verifies (py_webauthn). No attestation is asked for: which maker's key it is matters to nobody here.
"""

import ipaddress
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from app.core.refusals import Refusal
from app.people.models import Factor

PATIENCE = 120_000  # ms that the browser waits for the person
_site = {"url": "http://localhost"}


def configure(public_url: str) -> None:
    """Say the public address: its host is the name that the keys are bound to (`rp.id`)."""
    _site["url"] = public_url


def host() -> str:
    """The name that the keys are bound to; they all die with a change of it."""
    return urlsplit(_site["url"]).hostname or "localhost"


def usable() -> bool:
    """Whether browsers let keys be made for this address: a name, in https or on the machine itself (Level 3 §5.1.2)."""
    try:
        ipaddress.ip_address(host())
    except ValueError:
        return _site["url"].startswith("https://") or host() == "localhost"
    return False


def _origin() -> str:
    parts = urlsplit(_site["url"])
    return f"{parts.scheme}://{parts.netloc}"


@dataclass(frozen=True)
class Key:
    """A passkey that was just made: what is kept of it."""

    credential_id: str
    public_key: str
    sign_count: int
    transports: Sequence[str]
    synced: bool


def creation(
    challenge: bytes, user_id: int, login: str, name: str, known: Iterable[Factor]
) -> dict[str, Any]:
    """What the browser is asked for a new key, for `parseCreationOptionsFromJSON`."""
    from webauthn import generate_registration_options, options_to_json
    from webauthn.helpers import structs

    options = generate_registration_options(
        rp_id=host(),
        rp_name="Paraphe",
        user_name=login,
        user_id=f"paraphe {user_id}".encode(),
        user_display_name=name,
        challenge=challenge,
        timeout=PATIENCE,
        authenticator_selection=structs.AuthenticatorSelectionCriteria(
            resident_key=structs.ResidentKeyRequirement.PREFERRED,
            user_verification=structs.UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[_described(factor) for factor in known],
    )
    document: dict[str, Any] = json.loads(options_to_json(options))
    return document


def request(challenge: bytes, known: Iterable[Factor]) -> dict[str, Any]:
    """What the browser is asked of one of these keys, of any when none is named; the person is verified by the key."""
    from webauthn import generate_authentication_options, options_to_json
    from webauthn.helpers import structs

    options = generate_authentication_options(
        rp_id=host(),
        challenge=challenge,
        timeout=PATIENCE,
        allow_credentials=[_described(factor) for factor in known],
        user_verification=structs.UserVerificationRequirement.REQUIRED,
    )
    document: dict[str, Any] = json.loads(options_to_json(options))
    return document


def new_key(credential: Mapping[str, Any], challenge: bytes) -> Key:
    """The key that the browser made for this challenge and this address; refuses `passkey-refused`."""
    from webauthn import verify_registration_response
    from webauthn.helpers import (
        bytes_to_base64url,
        decode_credential_public_key,
        decoded_public_key_to_cryptography,
    )

    try:
        key = verify_registration_response(
            credential=dict(credential),
            expected_challenge=challenge,
            expected_rp_id=host(),
            expected_origin=_origin(),
            require_user_verification=True,
        )
        decoded_public_key_to_cryptography(decode_credential_public_key(key.credential_public_key))
    except Exception as error:  # whatever a hostile key makes the library fall on, it is no key
        raise Refusal("passkey-refused") from error
    response = credential.get("response")
    transports = response.get("transports") if isinstance(response, Mapping) else None
    return Key(
        bytes_to_base64url(key.credential_id),
        bytes_to_base64url(key.credential_public_key),
        key.sign_count,
        [str(transport)[:20] for transport in transports[:8]] if isinstance(transports, list) else [],
        key.credential_backed_up,
    )


def answered(factor: Factor, credential: Mapping[str, Any], challenge: bytes) -> int | None:
    """The count that the key gives with its answer to this challenge; None when it is not this key's answer."""
    from webauthn import base64url_to_bytes, verify_authentication_response

    try:
        answer = verify_authentication_response(
            credential=dict(credential),
            expected_challenge=challenge,
            expected_rp_id=host(),
            expected_origin=_origin(),
            credential_public_key=base64url_to_bytes(factor.public_key or ""),
            # One that goes down is told (`factor.count`), not refused: the keys that a cloud shares count nothing
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    except Exception:  # noqa: BLE001 - whatever a hostile answer makes the library fall on, it is not this key's
        return None
    return answer.new_sign_count


def _described(factor: Factor) -> Any:
    from webauthn import base64url_to_bytes
    from webauthn.helpers import structs

    known = {transport.value for transport in structs.AuthenticatorTransport}
    transports = [
        structs.AuthenticatorTransport(transport) for transport in factor.transports if transport in known
    ]
    return structs.PublicKeyCredentialDescriptor(
        id=base64url_to_bytes(factor.credential_id or ""), transports=transports or None
    )
