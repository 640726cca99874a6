"""Signing a folder with one's credential at the trust service: ask, pass the person's answer on, then complete.

Three steps, because the person authorises in between. `ask` prepares the signature and pins its hashes; `answer`
brings the PIN, the one-time password or the code of the service's page, and keeps what the service signed; `complete`
embeds and proves it as every other signature (`app.signing.sign`). What fails or dies after the service has signed is
tried again without a new code, for a day.
"""

import hashlib
from base64 import b64decode
from collections.abc import Callable, Sequence
from dataclasses import astuple

import sqlalchemy as sa
from pydantic import SecretStr

from app.core.clock import now
from app.core.db import reading
from app.core.refusals import Refusal
from app.folders.documents import main_digests
from app.folders.models import Folder
from app.people import identity
from app.people.actor import Actor
from app.signing import session as sessions
from app.signing import setting, sign
from app.signing.authority import Wording
from app.signing.keys.csc import Challenge, CscKey
from app.signing.models import RemoteRequest
from app.signing.ports import Box, Prepared
from app.signing.remote import pending
from app.signing.remote.mine import own
from app.signing.remote.pending import Authorisation
from workflows.engine import Moved

# What failed was neither the signature nor the right to make it: the same signature serves once the cause is gone
PASSING = {"timestamp-silent", "timestamp-wrong-clock", "revocation-unknown", "busy"}


def ask(
    actor: Actor,
    folder_id: int,
    *,
    version: int,
    key_id: int,
    box: Box | None,
    mandate: int | None = None,
    shown: Wording | None = None,
) -> Authorisation:
    """Prepare the signature and say what its owner must give; the hashes that he authorises are those, no others.

    Taken up again where it stood when the service has already signed, whole or in part. Refuses what `sign.prepare`
    refuses, `csc-key-unknown`, `csc-certificate-changed`, and what the service answers.
    """
    service = setting.remote_service()
    if not identity.factor_asked(actor):
        identity.refuse_stale(actor)
    mine = own(actor, key_id, service.url)
    place = list(astuple(box)) if box else None
    begun = pending.begun(actor, folder_id, version, mine.credential, place, mandate, shown)
    if begun is not None:
        # Begun before the rule, or proven in another login: what is left is authorised by a factor like the rest
        with reading(actor.collectivity_id) as db:
            digests = main_digests(db, sa.select(Folder.id).where(Folder.id == folder_id))
            identity.refuse_stale_in(db, actor, digests)
    if begun is not None and not begun.challenges:
        return Authorisation(begun.id)
    key = opened(mine.credential, mine.certificate)
    if begun is not None:
        left = [digest for challenge in begun.challenges for digest in Challenge.load(challenge).hashes]
        return pending.ask_again(begun.id, key.challenges(left))
    ready = sign.prepare(actor, folder_id, version=version, key=key, box=box, mandate=mandate, shown=shown)
    return pending.open_request(
        actor,
        mine.credential,
        mine.certificate,
        key.challenges(hashes_of(ready.prepared)),
        folder_id=folder_id,
        session_id=ready.session,
        box=place,
    )


def answer(
    row: RemoteRequest,
    keep: Callable[[str, Sequence[bytes]], Authorisation] = pending.keep,
    /,
    *,
    pin: SecretStr | None = None,
    otp: SecretStr | None = None,
    code: SecretStr | None = None,
) -> Authorisation:
    """Pass an answer on for a request that `pending.take` gave, and keep what the service signed; says what comes next.

    Refuses what the service refuses (`csc-code-wrong`, `csc-credential-locked`, `csc-silent`, …): the request may then
    be answered again, but for the return of a page, which serves once.
    """
    try:
        key, challenge = opened(row.credential, row.certificate), Challenge.load(row.challenges[0])
        signatures = key.finish(challenge, pin=pin, otp=otp, code=code)
    except Exception:
        pending.give_back(row.id)
        raise
    authorisation = keep(row.id, signatures)
    if "otp" in authorisation.wants:
        key.send_otp(Challenge.load(row.challenges[1]))
    return authorisation


def complete(actor: Actor, folder_id: int, request: str) -> Moved:
    """Embed what the service signed and pass the folder on, once.

    Refuses what `sign.complete` refuses; a silent authority leaves the request as it is, everything else ends it.
    """
    row = pending.take_up(actor, request, folder_id)
    try:
        moved = sign.complete(actor, str(row.session_id), [b64decode(value) for value in row.signatures])
    except Refusal as refusal:
        if refusal.key in PASSING:
            pending.give_back(row.id)
        else:
            pending.end(row.id, "failed")
        raise
    except Exception:
        pending.give_back(row.id)
        raise
    pending.end(row.id, "done")
    return moved


def state_of(actor: Actor, folder_id: int, request: str) -> str:
    """What became of a request of this person on this folder: `done`, `pending`, or `nothing` was signed.

    `held`: what the service signed is here and nobody is embedding it, `complete` may be asked again.
    """
    row = pending.request_of(actor, request)
    if row is None:
        return "nothing"
    state = sessions.state_of(actor, folder_id, row.session_id or "")
    if row.folder_id != folder_id or state == "done" or row.status != "held":
        return state
    return "held" if row.busy_until <= now() else "pending"


def opened(credential: str, certificate: bytes) -> CscKey:
    """The credential as the service has it now; refuses one that shows another certificate (`csc-certificate-changed`)."""
    key = CscKey.open(setting.remote_service(), credential)
    if key.certificate != certificate:
        raise Refusal("csc-certificate-changed")
    return key


def hashes_of(prepared: Sequence[Prepared]) -> list[bytes]:
    """What the service signs, in the order in which `sign.complete` takes it back."""
    return [hashlib.new(entry.algorithm, entry.attributes).digest() for entry in prepared]
