"""The set-up link of a new installation: drawn on the server, it opens a collectivity and its first administrator, once."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from app.core.clock import now
from app.core.db import Db, reading
from app.core.refusals import Refusal
from app.core.security import new_token, token_hash
from app.core.sirene import good_siren
from app.core.transaction import use_case
from app.people import passwords
from app.people.accounts import login_of
from app.people.actor import system
from app.people.desks import POSTAL_CODE_LENGTH, address_of, write_down
from app.people.models import Collectivity, SetupLink, User

LIFE = timedelta(days=1)
LONGEST = 100
BY_LINK = "Lien de mise en service"
"""Who the journal names: nobody has an account yet."""
NATURES = {
    "31": "Commune",
    "44": "Communauté de communes",
    "46": "Communauté d’agglomération",
    "45": "Communauté urbaine",
    "33": "Établissement public (CCAS, caisse des écoles…)",
    "41": "Syndicat de communes (fermé)",
    "42": "Syndicat mixte ouvert",
    "32": "Établissement public de santé communal",
    "34": "Société d’économie mixte",
    "51": "Service d’incendie et de secours",
    "21": "Département",
    "11": "Région",
    "55": "Autre",
}
"""The natures of who sends acts, by their code of @ctes; a commune first, then what communes found together."""


@dataclass(frozen=True)
class Beginning:
    """A collectivity and who will administer it, as they were typed."""

    siren: str
    name: str
    nature: str
    department: str
    city: str
    postal_code: str
    first_name: str
    last_name: str
    email: str
    capacity: str
    login: str


def needed(db: Db) -> bool:
    """Whether nobody administers anything here yet."""
    administers = sa.select(User.id).where(User.administrator.is_(True), User.active.is_(True))
    return db.scalar(administers.limit(1)) is None


@use_case
def draw(db: Db) -> tuple[str, datetime]:
    """The secret of a link, shown once and kept as a hash, and until when it serves; those drawn before serve no more.

    Refuses `setup-done` where somebody administers already.
    """
    if not needed(db):
        raise Refusal("setup-done")
    earlier = sa.update(SetupLink).where(SetupLink.used_at.is_(None)).values(used_at=now())
    db.execute(earlier.execution_options(synchronize_session=False))
    token, ends = new_token(), now() + LIFE
    db.add(SetupLink(token_hash=token_hash(token), created_at=now(), expires_at=ends))
    return token, ends


def set_up(token: str, typed: Beginning, password: str) -> str:
    """Open the collectivity and its first administrator; the login, by which he enters.

    Refuses `setup-link` (used, expired, unknown), `setup-done`, what is no SIREN (`siren-key`), `collectivity-there`,
    `setup-missing` with the name of what is, `department-invalid`, `place-invalid`, `email-invalid`, `login-invalid`,
    `login-taken`, and a password as everywhere. Nothing is written then, and the link still serves; nothing is hashed for
    who has no link.
    """
    with reading() as db:
        _by_token(db, token)
    clean = _clean(typed)
    words = (clean.first_name, clean.last_name, clean.login, clean.email, clean.name)
    _set_up(token, clean, passwords.hashed(password, chosen_by=words))
    return clean.login


@use_case
def _set_up(db: Db, token: str, typed: Beginning, password_hash: str) -> None:
    link = _by_token(db, token)
    there = db.scalar(sa.select(Collectivity.name).where(Collectivity.siren == typed.siren))
    if there is not None:
        raise Refusal("collectivity-there", siren=typed.siren, name=there)
    if db.scalar(sa.select(User.id).where(User.login == typed.login)):
        raise Refusal("login-taken", login=typed.login)
    link.used_at = now()
    here = Collectivity(
        siren=typed.siren,
        name=typed.name,
        department=typed.department,
        district="1",
        nature=typed.nature,
        settings={"city": typed.city, "postal_code": typed.postal_code},
        created_at=now(),
    )
    db.add(here)
    db.flush()
    user = User(
        collectivity_id=here.id,
        login=typed.login,
        email=typed.email,
        first_name=typed.first_name,
        last_name=typed.last_name,
        capacity=typed.capacity,
        administrator=True,
        created_at=now(),
        password_hash=password_hash,
    )
    db.add(user)
    db.flush()
    by = system(here.id, BY_LINK)
    write_down(db, here.id, "collectivity.opened", by, name=typed.name, siren=typed.siren)
    write_down(db, here.id, "collectivity.place", by, city=typed.city, postal_code=typed.postal_code)
    write_down(db, here.id, "account.opened", by, whose=user.id, login=typed.login, administrator=True)


def _by_token(db: Db, token: str) -> SetupLink:
    """The link, locked: of two who open it at once, the second is refused."""
    # All that may serve are locked before it is asked who administers: of two links at once, one opens
    live = sa.select(SetupLink).where(SetupLink.used_at.is_(None)).order_by(SetupLink.id).with_for_update()
    digest = token_hash(token)
    link = next((one for one in db.scalars(live) if one.token_hash == digest), None)
    if not needed(db):
        raise Refusal("setup-done")
    if link is None or link.used_at is not None or link.expires_at < now():
        raise Refusal("setup-link")
    return link


def _clean(typed: Beginning) -> Beginning:
    """The same, each text on one line; refuses what is missing or is not what it should be."""
    siren = "".join(typed.siren.split())
    if not good_siren(siren):
        raise Refusal("siren-key", siren=siren[:LONGEST])
    if typed.nature not in NATURES:
        raise Refusal("setup-missing", what="la nature de la collectivité")
    texts = {
        "name": (typed.name, "le nom de la collectivité"),
        "city": (typed.city, "la commune où elle signe"),
        "first_name": (typed.first_name, "votre prénom"),
        "last_name": (typed.last_name, "votre nom"),
        "capacity": (typed.capacity, "votre qualité"),
    }
    lines = {}
    for key, (text, label) in texts.items():
        lines[key] = " ".join(text.split())[:LONGEST]
        if not lines[key] or not lines[key].isprintable():
            raise Refusal("setup-missing", what=label)
    department = _department(typed.department.strip().upper())
    postal_code = typed.postal_code.strip()
    if len(postal_code) != POSTAL_CODE_LENGTH or not (postal_code.isascii() and postal_code.isdigit()):
        raise Refusal("place-invalid")
    login = login_of(typed.login)
    return Beginning(
        siren=siren,
        nature=typed.nature,
        department=department,
        postal_code=postal_code,
        email=address_of(typed.email.strip()),
        login=login,
        **lines,
    )


def _department(code: str) -> str:
    """« 029 », « 02A », « 974 », as @ctes writes it; « 29 » and « 2A » are understood. Refuses `department-invalid`."""
    code = code.zfill(3)
    metropolis = code in {"02A", "02B"} or (code.isascii() and code.isdigit() and 1 <= int(code) <= 95)
    overseas = code in {"971", "972", "973", "974", "975", "976", "977", "978", "986", "987", "988"}
    if not (metropolis and code != "020") and not overseas:
        raise Refusal("department-invalid", code=code)
    return code
