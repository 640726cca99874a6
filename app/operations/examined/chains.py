"""Whom the installation believes, tried: the authorities load, each certificate that serves here leads to one of them today."""

import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import sqlalchemy as sa

from app.core.clock import now
from app.core.db import reading
from app.core.grammar import et_autres, plural
from app.core.refusals import Refusal, catalogue
from app.operations import sendings
from app.operations.doctor import Check
from app.operations.findings import Level, Remark, Unwell
from app.signing import setting
from app.signing.enrol import common_name
from app.signing.models import Certificate
from app.trust import authorities
from config import Settings

MOST = 40
"""Certificates that one trial follows, those enrolled last first: each asks its authority whether it still stands."""
TOLD = 3
"""Of those that fail, how many are told with the reason; the others are counted."""
REVOKED, ALONE = "certificate-revoked", "certificate-issuer-missing"
_nothing = re.compile(r"^Rien n’a été (?:signé|scellé)\s*:\s*")


@dataclass(frozen=True)
class Bearer:
    """A certificate that serves here: how it is called, and what came with it; `sealing` for a seal."""

    name: str
    der: bytes
    chain: Sequence[bytes] = ()
    sealing: bool = False


@dataclass(frozen=True)
class Outcome:
    """What became of one: the key of the refusal and its words, both empty where it leads to somebody we believe."""

    name: str
    key: str = ""
    words: str = ""


def chains(settings: Settings, *, check: Check, collectivity_id: int, machine: bool) -> str | Remark:
    """The doctor's own look at the authorities, then the certificates of a collectivity, each up to one of them.

    `machine`: for who runs the installation, whose seal is followed too; another is told that the authorities do not serve,
    and nothing of how they are set.
    """
    try:
        answer = check.look(settings)
    except Unwell as trouble:
        if machine:
            raise
        raise Unwell(
            f"les autorités de l’installation ne servent pas toutes : {sendings.TELL}", trouble.level
        ) from trouble
    loaded = answer.sentence if isinstance(answer, Remark) else answer
    believed = loaded if machine else "les autorités sont là"
    bearers = list(_bearers(collectivity_id, machine=machine))
    if not bearers:
        return f"{believed} ; aucun certificat n’est inscrit ici, il n’y a donc pas de chaîne à suivre"
    outcomes = _followed(bearers[:MOST])
    if failing := [one for one in outcomes if one.key not in {"", REVOKED, ALONE}]:
        raise Unwell(_listed(failing))
    if dead := [one for one in outcomes if one.key == REVOKED]:
        sentence = f"les autorités répondent, mais l’une ne reconnaît plus un certificat : {_listed(dead)}"
        return Remark(sentence, Level.AMBER)
    sentence = "".join(_counted(believed, outcomes, len(bearers) - len(outcomes)))
    return Remark(sentence, Level.AMBER) if any(one.key for one in outcomes) else sentence


def _counted(believed: str, outcomes: Sequence[Outcome], beyond: int) -> Iterator[str]:
    yield believed
    if led := sum(not one.key for one in outcomes):
        one, several = (
            "certificat mène à une autorité reconnue, pour qui il vaut",
            "certificats mènent à une autorité reconnue, pour qui ils valent",
        )
        yield f" ; {plural(led, one, several)} encore"
    if alone := sum(one.key == ALONE for one in outcomes):
        # It came alone, from a card: nothing here tells a missing link from a root that we do not believe
        one, several = (
            "certificat ne mène à aucune autorité reconnue",
            "certificats ne mènent à aucune autorité reconnue",
        )
        yield (
            f" ; {plural(alone, one, several)} : l’autorité intermédiaire manque, ou la racine n’est pas reconnue ici"
        )
    if beyond:
        yield f" ; {plural(beyond, 'autre n’a pas été suivi', 'autres n’ont pas été suivis')}"


def _bearers(collectivity_id: int, *, machine: bool) -> Iterator[Bearer]:
    """The seal of the installation, then what persons sign with and that is neither withdrawn nor over."""
    if machine and setting.sealed():
        try:
            key = setting.seal_key()
        except Exception as fault:  # whatever keeps it shut, another trial says it in full
            raise Unwell(
                "le cachet ne s’ouvre pas, sa chaîne ne se suit donc pas : essayez « signature d’essai », qui dit pourquoi"
            ) from fault
        if key is not None:
            yield Bearer("le cachet", key.certificate, key.chain, sealing=True)
    query = (
        sa.select(Certificate.subject, Certificate.der)
        .where(
            Certificate.collectivity_id == collectivity_id,
            Certificate.withdrawn_at.is_(None),
            Certificate.not_after > now(),
        )
        .order_by(Certificate.enrolled_at.desc(), Certificate.id.desc())
    )
    with reading(collectivity_id) as db:
        rows = {row.der: row.subject for row in db.execute(query)}
    yield from (Bearer(f"« {common_name(subject)} »", der) for der, subject in rows.items())


def _followed(bearers: Sequence[Bearer]) -> list[Outcome]:
    # It reads with heavy libraries, and the page of findings loads this module (docs/decisions/0003)
    from app.trust.certificates import check_certificate

    trust, moment = authorities.trust(), now()

    def follow(bearer: Bearer) -> Outcome:
        try:
            check_certificate(
                bearer.der,
                bearer.chain,
                trust=trust,
                moment=moment,
                enrolled=None,
                sealing=bearer.sealing,
            )
        except Refusal as refusal:
            _, sentence = catalogue.say(refusal.key, refusal.facts)
            return Outcome(bearer.name, refusal.key, _nothing.sub("", sentence))
        return Outcome(bearer.name)

    with ThreadPoolExecutor(max_workers=8) as pool:
        return list(pool.map(follow, bearers))


def _listed(outcomes: Sequence[Outcome]) -> str:
    """Each with why, on one line: the words of a refusal are sentences."""
    told = " ; ".join(f"{one.name} : {one.words.rstrip('.')}" for one in outcomes[:TOLD])
    return told + et_autres(len(outcomes) - TOLD)
