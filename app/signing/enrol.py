"""Certificates and their owners: enrol, confirm, withdraw, list. One certificate has one owner in the whole installation.

Its owner is a person: it serves him in each of his accounts, where each collectivity judges it (`enrolling.carried`).
"""

import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from app.core import security_log
from app.core.clock import now
from app.core.db import OURS_ALREADY, Db
from app.core.french import jour_long
from app.core.outbox import News, post
from app.core.questions import once
from app.core.refusals import Refusal
from app.core.refusals import catalogue as sentences
from app.core.transaction import after_commit, use_case
from app.journal.chain import Event, append
from app.people.actor import Actor, require
from app.people.identity import refuse_stale_in
from app.people.models import User
from app.people.persons import void_shown
from app.signing.models import Certificate
from app.trust.purpose import Purpose
from workflows.vocabulary import Right, Worded

if TYPE_CHECKING:
    from app.trust.certificates import CertificateFacts, Enrolled

_table: Any = Certificate.__table__
_people: Any = User.__table__
OURS = 500
"""From this status on, what refuses is not the certificate: an authority does not answer."""
_nothing = re.compile(r"^Rien n’a été signé\s*:\s*")


class Proof(Worded):
    """How it was shown that the key of a certificate is its owner's."""

    DECLARED = "declared", "Clé pas encore prouvée : elle le sera à la prochaine signature"
    CHALLENGE = "challenge", "Clé prouvée à l’inscription"
    SIGNATURE = "signature", "Clé prouvée par une signature"
    REMOTE = "remote", "Clé prouvée auprès du service de signature"


@dataclass(frozen=True)
class Awaited:
    """Why a certificate waits for an administrator's word: its name is not the account's, an administrator had ended it.

    False when it does not wait.
    """

    name: bool = False
    ended: bool = False

    def __bool__(self) -> bool:
        return self.name or self.ended

    @property
    def clause(self) -> str:
        """Why, in French, to stand inside a sentence."""
        why = ["il n’est pas écrit au nom du compte"] if self.name else []
        return " et ".join([*why, "un administrateur l’avait retiré"] if self.ended else why)


@contextmanager
def in_its_words() -> Iterator[None]:
    """Within it, what refuses a certificate says that it was not enrolled, and no more that nothing was signed."""
    try:
        yield
    except Refusal as refusal:
        status, sentence = sentences.say(refusal.key, refusal.facts)
        key = "certificate-unchecked" if status >= OURS else "certificate-refused"
        raise Refusal(key, details=_nothing.sub("", sentence), cause=refusal.key) from refusal


@use_case
def enrol(
    db: Db,
    actor: Actor,
    user_id: int,
    facts: "CertificateFacts",
    der: bytes,
    purpose: Purpose = Purpose.ACTS,
    proof: Proof = Proof.DECLARED,
) -> None:
    """Let a person sign with a certificate, for a purpose; the same one twice changes nothing.

    Pages come here by a proof alone (`app.signing.enrolling.possession`, `app.signing.remote.linking`). Refuses
    `certificate-owner-unknown`, what is made for seals but for the seal (`certificate-is-seal`), what is somebody else's
    (`certificate-taken`), and another purpose than the one already written, unless an administrator asks
    (`certificate-purpose-set`).
    """
    carry_on(db, enrolled(db, actor, user_id, facts, der, purpose, proof))


def carry_on(db: Db, row: Certificate) -> None:
    """Bring it, with its credential, into the other accounts of its owner, in the caller's transaction."""
    from app.signing.enrolling.carried import carry

    person_id = db.scalar(sa.select(User.person_id).where(User.id == row.user_id))
    if person_id is not None:
        carry(db, person_id)


def enrolled(
    db: Db,
    actor: Actor,
    user_id: int,
    facts: "CertificateFacts",
    der: bytes,
    purpose: Purpose = Purpose.ACTS,
    proof: Proof = Proof.DECLARED,
) -> Certificate:
    """What `enrol` does, in the caller's transaction; the row of the person's certificate.

    A certificate that was proven, and that is not in the person's name, waits for an administrator's word. So does one that
    an administrator had ended, whatever its owner did since, until an administrator confirms it.
    """
    owner = db.scalar(
        sa.select(User).where(
            User.id == user_id, User.collectivity_id == actor.collectivity_id, User.active.is_(True)
        )
    )
    if owner is None:
        raise Refusal("certificate-owner-unknown")
    if purpose is not Purpose.SEAL and _made_for_seals(der):
        raise Refusal("certificate-is-seal")
    refuse_taken(db, user_id, facts.fingerprint_sha256)
    query = sa.select(Certificate).where(
        Certificate.user_id == user_id, Certificate.fingerprint == facts.fingerprint_sha256
    )
    row = db.scalar(query)
    if row is not None and _unchanged(row, actor, purpose, proof):
        return row
    moment = now()
    differs = proof is not Proof.DECLARED and purpose is not Purpose.SEAL and not in_name_of(der, owner)
    again = row is not None and row.withdrawn_at is None
    if row is None:
        row = Certificate(
            collectivity_id=actor.collectivity_id,
            user_id=user_id,
            subject=facts.subject,
            issuer=facts.issuer,
            serial=facts.serial,
            fingerprint=facts.fingerprint_sha256,
            not_after=facts.not_after,
            der=der,
            to_confirm=differs,
            doubled=False,
        )
        db.add(row)
    if again:
        _serve(row, owner, purpose)
    row.enrolled_at, row.enrolled_by = moment, actor.name
    row.purpose, row.withdrawn_at, row.withdrawn_by, row.withdrawn_reason = purpose.value, None, None, ""
    row.proof, row.proven_at = proof.value, None if proof is Proof.DECLARED else moment
    if facts.revocation_checked:
        row.assurance = facts.assurance
    if not again:
        _end_of_before(db, row)
        row.to_confirm = differs or row.ended_at is not None
        row.confirmed_at, row.confirmed_by, row.doubled = None, None, False
        row.carried = _serves_elsewhere(db, owner, row.fingerprint)
    db.flush()  # who links it elsewhere names it
    void_shown(db, actor, user_id)
    if proof is not Proof.DECLARED:
        write_letters(db, row, owner, "certificate_enrolled", why=awaited(row, owner), administrators=True)
    _tell(db, actor, "certificate.enrolled", row, proof=proof.value, to_confirm=row.to_confirm)
    return row


def _end_of_before(db: Db, row: Certificate) -> None:
    """Whoever enrols anew what an administrator of the collectivity had ended, to this person or to another, finds that end.

    What was taken from one of several owners was not his; it says nothing against the others.
    """
    if row.ended_at is not None:
        return
    last = last_end(db, row.collectivity_id, row.fingerprint)
    if last is not None:
        row.ended_at, row.ended_by, row.ended_reason = last.ended_at, last.ended_by, last.ended_reason


def last_end(db: Db, collectivity_id: int, fingerprint: str) -> Any:
    """When, by whom and why an administrator of the collectivity last ended this certificate, whoever had it; else None."""
    query = (
        sa.select(_table.c.ended_at, _table.c.ended_by, _table.c.ended_reason)
        .where(
            _table.c.collectivity_id == collectivity_id,
            _table.c.fingerprint == fingerprint,
            _table.c.ended_at.is_not(None),
            _table.c.doubled.is_(False),
        )
        .order_by(_table.c.ended_at.desc())
    )
    return db.execute(query.limit(1)).first()


def _serves_elsewhere(db: Db, owner: User, fingerprint: str) -> bool:
    """Whether the person signs with this certificate in another of his accounts."""
    query = (
        sa.select(_table.c.id)
        .join(_people, _people.c.id == _table.c.user_id)
        .where(
            _people.c.person_id == owner.person_id,
            _people.c.id != owner.id,
            _table.c.fingerprint == fingerprint,
            _table.c.withdrawn_at.is_(None),
        )
    )
    return owner.person_id is not None and db.execute(query.limit(1)).first() is not None


def _serve(row: Certificate, owner: User, purpose: Purpose) -> None:
    """Write for what a certificate in use signs, and compare its name again, as it may have served nobody's before.

    A word that was given for the seal said nothing of a name.
    """
    if row.purpose == purpose:
        return
    if row.purpose == Purpose.SEAL:
        row.confirmed_at, row.confirmed_by = None, None
    row.purpose = purpose.value
    differs = purpose is not Purpose.SEAL and not in_name_of(row.der, owner)
    row.to_confirm = row.ended_at is not None or (differs and row.confirmed_at is None)


def awaited(row: Certificate, owner: User) -> Awaited:
    """Why a certificate waits for an administrator's word, if it does."""
    if not row.to_confirm:
        return Awaited()
    differs = row.purpose != Purpose.SEAL and not in_name_of(row.der, owner)
    ended = row.ended_at is not None
    return Awaited(differs or not ended, ended)


def declined(row: Certificate) -> bool:
    """Whether an administrator ended a certificate that waited for his word: it never signed."""
    return row.withdrawn_at is not None and row.withdrawn_at == row.ended_at and row.to_confirm


def _unchanged(row: Certificate, actor: Actor, purpose: Purpose, proof: Proof) -> bool:
    if row.purpose != purpose and not actor.administrator:
        raise Refusal("certificate-purpose-set")
    proves_more = row.proof == Proof.DECLARED and proof is not Proof.DECLARED
    return row.withdrawn_at is None and row.purpose == purpose and not proves_more


def in_name_of(der: bytes, owner: User) -> bool:
    """Whether the name on a certificate is that of the account."""
    from app.signing.enrolling.holder import same_person

    return same_person(der, owner.first_name, owner.last_name)


def _made_for_seals(der: bytes) -> bool:
    from app.trust.assurance import statements
    from app.trust.certificates import certificates_in

    return statements(certificates_in(der)[0]).seal_only


def refuse_taken(db: Db, user_id: int, fingerprint: str) -> None:
    """Refuse a certificate that another person of the installation signs with (`certificate-taken`), whoever it is.

    Of two who come at once, the index of the table lets one write; the other is tried again, and refused here.
    """
    mine = db.execute(sa.select(_people.c.person_id).where(_people.c.id == user_id)).scalar()
    query = (
        sa.select(_table.c.id)
        .join(_people, _people.c.id == _table.c.user_id)
        .where(
            _table.c.fingerprint == fingerprint,
            _table.c.user_id != user_id,
            _table.c.withdrawn_at.is_(None),
        )
    )
    if mine is not None:
        query = query.where(_people.c.person_id.is_distinct_from(mine))
    if db.execute(query.limit(1)).first() is not None:
        raise Refusal("certificate-taken")


@use_case
def confirm(db: Db, actor: Actor, certificate_id: int) -> None:
    """An administrator's word that a certificate is its owner's though its name differs, or may serve again though it was ended.

    Refuses `right-missing`, `identity-needed`, `certificate-unknown`, and one's own (`certificate-own-word`).
    """
    require(actor, Right.ADMINISTER)
    refuse_stale_in(db, actor)
    row = _row(db, actor, certificate_id)
    if row.user_id == actor.user_id:
        raise Refusal("certificate-own-word")
    if not row.to_confirm or row.withdrawn_at is not None:
        return
    owner = db.get_one(User, row.user_id)
    why = awaited(row, owner)
    row.to_confirm, row.confirmed_at, row.confirmed_by = False, now(), actor.name
    row.ended_at, row.ended_by, row.ended_reason = None, None, ""
    db.execute(
        sa.update(_table)
        .where(
            _table.c.collectivity_id == row.collectivity_id,
            _table.c.fingerprint == row.fingerprint,
            _table.c.id != row.id,
            _table.c.doubled.is_(False),
        )
        .values(ended_at=None, ended_by=None, ended_reason="")
    )
    write_letters(db, row, owner, "certificate_confirmed", why=why, by=actor.name)
    _tell(db, actor, "certificate.confirmed", row)


@use_case
def set_purpose(db: Db, actor: Actor, certificate_id: int, purpose: Purpose) -> bool:
    """Say for what a certificate signs, an administrator's word; whether it waits for one who confirms its name.

    The name is compared again: what served for the seal bore nobody's. One that ended signs no more for it, and is enrolled
    again for that use. Refuses `right-missing`, `identity-needed`, and
    `certificate-is-seal`, as `enrol` does.
    """
    require(actor, Right.ADMINISTER)
    refuse_stale_in(db, actor)
    row = _row(db, actor, certificate_id)
    if purpose is not Purpose.SEAL and _made_for_seals(row.der):
        raise Refusal("certificate-is-seal")
    if row.purpose != purpose:
        if row.withdrawn_at is None:
            _serve(row, db.get_one(User, row.user_id), purpose)
        else:
            row.purpose = purpose.value  # compared when it is enrolled again
        _tell(db, actor, "certificate.purpose", row, to_confirm=row.to_confirm)
    return row.to_confirm and row.withdrawn_at is None


@use_case
def withdraw(db: Db, actor: Actor, certificate_id: int, reason: str = "") -> None:
    """Stop signing with one of one's certificates, or with anybody's for an administrator; what was signed stays.

    Its owner stops in all his accounts: the key is his; an administrator stops it in his collectivity alone.
    An administrator says why (`certificate-reason-needed`) and is asked who he is (`identity-needed`); its owner is told. What
    he ended comes back by an administrator's word alone, even where its owner had withdrawn it an instant before. One that
    waited for that word is declined that way.
    """
    row = _row(db, actor, certificate_id)
    own = row.user_id == actor.user_id
    reason = " ".join(reason.split())[:300]
    if not own:
        refuse_stale_in(db, actor)
    if not own and not reason:
        raise Refusal("certificate-reason-needed")
    if row.withdrawn_at is not None and (own or row.ended_at is not None):
        return
    event = "certificate.declined" if row.to_confirm and not own else "certificate.withdrawn"
    row.withdrawn_at, row.withdrawn_by, row.withdrawn_reason = now(), actor.name, reason
    if not own:
        row.ended_at, row.ended_by, row.ended_reason = row.withdrawn_at, actor.name, reason
    db.flush()
    _own_alone(db, row.fingerprint)
    if not own:
        write_letters(
            db,
            row,
            db.get_one(User, row.user_id),
            "certificate_withdrawn",
            by=actor.name,
            reason=reason,
            declined="yes" if declined(row) else "",
        )
    _tell(db, actor, event, row, **({"why": reason} if reason else {}))
    if own and actor.person_id is not None:
        from app.signing.enrolling.carried import withdraw_everywhere

        withdraw_everywhere(db, actor.person_id, row.fingerprint, but=row.id)


@use_case
def proven(db: Db, actor: Actor, fingerprint: str) -> None:
    """Note that the key of a certificate enrolled before such proofs has just signed: that is one."""
    row = db.scalar(
        sa.select(Certificate).where(
            Certificate.user_id == actor.user_id,
            Certificate.fingerprint == fingerprint,
            Certificate.withdrawn_at.is_(None),
            Certificate.proof == Proof.DECLARED.value,
        )
    )
    if row is None:
        return
    row.proof, row.proven_at = Proof.SIGNATURE.value, now()
    _tell(db, actor, "certificate.proven", row, proof=row.proof)


def _own_alone(db: Db, fingerprint: str) -> None:
    """Whoever is left alone with a certificate that had several owners is its one owner from now on."""
    left = db.execute(
        sa.select(_table.c.id).where(_table.c.fingerprint == fingerprint, _table.c.withdrawn_at.is_(None))
    ).all()
    if len(left) == 1:
        db.execute(sa.update(_table).where(_table.c.id == left[0].id).values(doubled=False))


def _row(db: Db, actor: Actor, certificate_id: int) -> Certificate:
    query = sa.select(Certificate).where(
        Certificate.id == certificate_id, Certificate.collectivity_id == actor.collectivity_id
    )
    row = db.scalar(query if actor.administrator else query.where(Certificate.user_id == actor.user_id))
    if row is None:
        raise Refusal("certificate-unknown")
    return row


def _tell(db: Db, actor: Actor, event: str, row: Certificate, **more: Any) -> None:
    """The lines of what became of a certificate, in the journal and in the security log; last in its transaction."""
    facts = {
        "user": row.user_id,
        "fingerprint": row.fingerprint,
        "serial": row.serial,
        "purpose": row.purpose,
        **({"address": actor.address} if actor.address else {}),
        **more,
    }
    line = {
        "collectivity": actor.collectivity_id,
        "user": row.user_id,
        "by": actor.user_id,
        "address": actor.address,
        "certificate": row.fingerprint,
        "what": event.rpartition(".")[2],
    }
    after_commit(db, lambda: security_log.log.info("certificate.changed", **line))
    append(db, actor.collectivity_id, Event(event, actor.name, actor.user_id, None, facts))


def write_letters(
    db: Db,
    row: Certificate,
    owner: User,
    event: str,
    *,
    why: Awaited = Awaited(),
    administrators: bool = False,
    **payload: str,
) -> None:
    """The letters about a certificate: to its owner, and to the administrators when they have to know."""
    query = sa.select(User).where(User.active.is_(True), User.collectivity_id == row.collectivity_id)
    query = query.execution_options(
        **{OURS_ALREADY: True}
    )  # a certificate that is carried is another collectivity's
    who = User.id == owner.id
    people = db.scalars(
        query.where(sa.or_(who, User.administrator.is_(True)) if administrators else who).order_by(User.id)
    )
    moment = now().isoformat()
    news = [
        News(
            "mail",
            f"{event}-{row.id}-{moment}-{user.id}",
            {
                "event": event,
                "user_id": user.id,
                "what": common_name(row.subject),
                "whose": owner.name,
                "own": user.id == owner.id,
                "waits": row.to_confirm,
                "why": why.clause,
                "other_name": why.name,
                "seal": row.purpose == Purpose.SEAL,
                "page": "/compte/certificats"
                if user.id == owner.id
                else f"/administration/certificats/{row.id}",
                **payload,
            },
            None,
            user.email,
        )
        for user in people
    ]
    post(db, row.collectivity_id, news)


def all_certificates(db: Db, *, ended: bool = False) -> list[tuple[User, Certificate]]:
    """Every certificate in use of the session's collectivity, or every one that was ended, with its owner, by name."""
    state = Certificate.withdrawn_at.is_not(None) if ended else Certificate.withdrawn_at.is_(None)
    query = (
        sa.select(User, Certificate)
        .join(Certificate, Certificate.user_id == User.id)
        .where(state)
        .order_by(User.last_name, User.first_name, Certificate.id)
    )
    return [(user, row) for user, row in db.execute(query)]


@dataclass(frozen=True)
class Double:
    """A certificate that several people of the installation sign with: who here, and how many elsewhere."""

    certificate: str
    people: tuple[str, ...]
    elsewhere: int


def doubles(db: Db, collectivity_id: int | None = None) -> list[Double]:
    """The certificates that have several owners since before they could have one alone; all, or a collectivity's."""
    many = (
        sa.select(_table.c.fingerprint)
        .where(_table.c.withdrawn_at.is_(None))
        .group_by(_table.c.fingerprint)
        .join(_people, _people.c.id == _table.c.user_id)
        .having(sa.func.count(sa.distinct(sa.func.coalesce(_people.c.person_id, -_people.c.id))) > 1)
    )
    rows = db.execute(
        sa.select(
            _table.c.fingerprint,
            _table.c.subject,
            _table.c.collectivity_id,
            _people.c.first_name,
            _people.c.last_name,
        )
        .join(_people, _people.c.id == _table.c.user_id)
        .where(_table.c.withdrawn_at.is_(None), _table.c.fingerprint.in_(many))
        .order_by(_table.c.fingerprint, _table.c.id)
    ).all()
    shared = []
    for fingerprint in dict.fromkeys(row.fingerprint for row in rows):
        of_it = [row for row in rows if row.fingerprint == fingerprint]
        local_rows = [row for row in of_it if collectivity_id in {None, row.collectivity_id}]
        if local_rows:
            names = tuple(f"{row.first_name} {row.last_name}" for row in local_rows)
            shared.append(Double(common_name(local_rows[0].subject), names, len(of_it) - len(local_rows)))
    return shared


def certificates_of(db: Db, user_id: int) -> list[Certificate]:
    """The certificates of a person that were not ended, newest first; some may wait for an administrator's word."""
    return certificates_by_person(db, [user_id]).get(user_id, [])


def usable(certificates: Sequence[Certificate]) -> list[Certificate]:
    """Those of a person that may sign today: confirmed where that was asked, and not past their end."""
    return [each for each in certificates if not each.to_confirm and each.not_after > now()]


@dataclass(frozen=True)
class Lack:
    """What a person lacks to sign, as the sign dialog says it in place of its button: a title and a sentence."""

    title: str
    wording: str


def lack_of(certificates: Sequence[Certificate]) -> Lack | None:
    """What lacks whoever has these certificates; None when one of them may sign today."""
    if usable(certificates):
        return None
    if any(each.to_confirm for each in certificates):
        return Lack(
            "Votre certificat attend l’accord d’un administrateur",
            "Il ne signe rien d’ici là. « Mes certificats » dit pourquoi : demandez-lui cet accord.",
        )
    if certificates:
        name, end = common_name(certificates[0].subject), jour_long(certificates[0].not_after)
        return Lack(
            "Votre certificat a pris fin",
            f"« {name} » ne signe plus depuis le {end}. Inscrivez sous « Mes certificats » celui qui le remplace.",
        )
    return Lack(
        "Il vous manque un certificat pour signer",
        "Inscrivez d’abord, sous « Mes certificats », celui que l’autorité de certification vous a remis.",
    )


def certificates_by_person(db: Db, user_ids: Collection[int]) -> dict[int, list[Certificate]]:
    """The same of each of these persons."""
    by_person: dict[int, list[Certificate]] = {}
    if user_ids:
        query = sa.select(Certificate).where(
            Certificate.user_id.in_(user_ids), Certificate.withdrawn_at.is_(None)
        )
        for row in db.scalars(query.order_by(Certificate.id.desc())):
            by_person.setdefault(row.user_id, []).append(row)
    return by_person


_enrolled = sa.select(
    Certificate.fingerprint, Certificate.purpose, Certificate.to_confirm, Certificate.proof
).where(Certificate.user_id == sa.bindparam("user"), Certificate.withdrawn_at.is_(None))


def enrolled_of(db: Db, user_id: int | None) -> Sequence["Enrolled"]:
    """The same as `check_certificate` asks for them."""
    from app.trust.certificates import Enrolled

    rows = once(db, ("enrolled", user_id), lambda: db.execute(_enrolled, {"user": user_id}).all())
    return [
        Enrolled(
            row.fingerprint,
            purpose=Purpose(row.purpose),
            to_confirm=row.to_confirm,
            proven=row.proof != Proof.DECLARED,
        )
        for row in rows
    ]


def common_name(distinguished_name: str) -> str:
    """The name inside a distinguished name, as a person reads it."""
    match = re.search(r"Common Name: ([^,;]+)", distinguished_name)
    return match.group(1) if match else distinguished_name
