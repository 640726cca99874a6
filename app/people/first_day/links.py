"""The set-up link, drawn on the server, that serves once: it opens a collectivity and its first administrator.

Where a collectivity is there and nobody administers it, the link gives that one an administrator, and opens no other.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from app.core.clock import now
from app.core.db import Db, reading
from app.core.refusals import Refusal
from app.core.security import new_token, token_hash
from app.core.sirene import good_siren
from app.core.texts import whole
from app.core.transaction import use_case
from app.people import passwords, persons
from app.people.accounts import login_of
from app.people.actor import system
from app.people.desks import POSTAL_CODE_LENGTH, address_of, collectivity_of, write_down
from app.people.models import Collectivity, SetupLink, User
from app.people.own_settings.population import POPULATION, read

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
    """Who will administer a collectivity and, where it is to be opened, the collectivity, as they were typed."""

    first_name: str
    last_name: str
    email: str
    capacity: str
    login: str
    siren: str = ""
    name: str = ""
    nature: str = ""
    department: str = ""
    city: str = ""
    postal_code: str = ""
    population: str = ""


def needed(db: Db) -> bool:
    """Whether nobody administers anything here yet."""
    administers = sa.select(User.id).where(User.administrator.is_(True), User.active.is_(True))
    return db.scalar(administers.limit(1)) is None


def opened(db: Db) -> bool:
    """Whether a collectivity is there, administered or not."""
    return db.scalar(sa.select(Collectivity.id).limit(1)) is not None


def awaiting(db: Db) -> list[Collectivity]:
    """The collectivities that nobody administers, in the order in which they were opened."""
    administered = sa.select(User.collectivity_id).where(User.administrator.is_(True), User.active.is_(True))
    query = sa.select(Collectivity).where(Collectivity.id.not_in(administered))
    return list(db.scalars(query.order_by(Collectivity.id)))


@use_case
def draw(db: Db, siren: str = "") -> tuple[str, datetime, str]:
    """The secret of a link, shown once and kept as a hash, until when it serves, and the name of whom it is for.

    Where no collectivity is there it opens one (the name is empty); else it gives an administrator to the one that has
    none: that of `siren`, where there are several. Those drawn before for the same serve no more. Refuses `setup-done`
    where somebody administers already, `setup-which` where `siren` must say, and `collectivity-unknown`.
    """
    collectivity = _awaited(db, siren)
    same = (
        SetupLink.administers_id.is_(None)
        if collectivity is None
        else SetupLink.administers_id == collectivity.id
    )
    earlier = sa.update(SetupLink).where(SetupLink.used_at.is_(None), same).values(used_at=now())
    db.execute(earlier.execution_options(synchronize_session=False))
    token, ends = new_token(), now() + LIFE
    db.add(
        SetupLink(
            token_hash=token_hash(token),
            created_at=now(),
            expires_at=ends,
            administers_id=collectivity.id if collectivity is not None else None,
        )
    )
    return token, ends, collectivity.name if collectivity is not None else ""


def _awaited(db: Db, siren: str) -> Collectivity | None:
    """The collectivity that a link would be for; None where there is none yet."""
    waiting = awaiting(db)
    if siren:
        collectivity = collectivity_of(db, siren)
        if collectivity not in waiting:
            raise Refusal("setup-done")
        return collectivity
    if not opened(db):
        return None
    if not waiting:
        raise Refusal("setup-done")
    if len(waiting) > 1:
        raise Refusal(
            "setup-which",
            names=", ".join(f"{collectivity.siren} ({collectivity.name})" for collectivity in waiting),
        )
    return waiting[0]


def set_up(token: str, typed: Beginning, password: str) -> str:
    """Open the collectivity, where the link is for none that is there, and its administrator; the login, by which he enters.

    Refuses `setup-link` (used, expired, unknown, or drawn to open a collectivity where one is there since), `setup-done`,
    what is no SIREN (`siren-key`), `setup-missing` with the name of what is, `department-invalid`, `place-invalid`,
    `population-invalid`, `email-invalid`, `email-taken`, `login-invalid`, `login-taken`, and a password as everywhere.
    Nothing is written then, and the link still serves; nothing is hashed for who has no link.
    """
    with reading() as db:
        collectivity_id = _by_token(db, token).administers_id
        name = db.get_one(Collectivity, collectivity_id).name if collectivity_id is not None else ""
    clean = _person(typed)
    if collectivity_id is None:
        clean = _place(clean)
    particulars = (clean.first_name, clean.last_name, clean.login, clean.email, clean.name or name)
    _set_up(token, clean, passwords.hashed(password, chosen_by=particulars))
    return clean.login


@use_case
def _set_up(db: Db, token: str, typed: Beginning, password_hash: str) -> None:
    link = _by_token(db, token)
    link.used_at = now()
    collectivity_id = link.administers_id if link.administers_id is not None else _open(db, typed)
    alike = sa.select(User).where(
        User.collectivity_id == collectivity_id,
        User.active.is_(True),
        sa.func.lower(User.email) == typed.email.lower(),
    )
    if (other := db.scalar(alike.limit(1))) is not None:
        raise Refusal("email-taken", email=typed.email, name=other.name)
    user = User(
        collectivity_id=collectivity_id,
        login=typed.login,
        email=typed.email,
        first_name=typed.first_name,
        last_name=typed.last_name,
        capacity=typed.capacity,
        administrator=True,
        created_at=now(),
    )
    same = (User.collectivity_id == collectivity_id, User.login == typed.login)
    if db.scalar(sa.select(User.id).where(*same)):
        raise Refusal("login-taken", login=typed.login)
    db.add(user)
    db.flush()
    persons.opened(db, user, password_hash, login=typed.login)
    by = system(collectivity_id, BY_LINK)
    write_down(
        db, collectivity_id, "account.opened", by, whose=user.id, login=typed.login, administrator=True
    )


def _open(db: Db, typed: Beginning) -> int:
    """The collectivity, with its lines in the journal; its number."""
    collectivity = Collectivity(
        siren=typed.siren,
        name=typed.name,
        department=typed.department,
        district="1",
        nature=typed.nature,
        settings={
            "city": typed.city,
            "postal_code": typed.postal_code,
            **({POPULATION: int(typed.population)} if typed.population else {}),
        },
        created_at=now(),
    )
    db.add(collectivity)
    db.flush()
    by = system(collectivity.id, BY_LINK)
    inhabitants = {POPULATION: int(typed.population)} if typed.population else {}
    write_down(
        db, collectivity.id, "collectivity.opened", by, name=typed.name, siren=typed.siren, **inhabitants
    )
    write_down(db, collectivity.id, "collectivity.place", by, city=typed.city, postal_code=typed.postal_code)
    return collectivity.id


def _by_token(db: Db, token: str) -> SetupLink:
    """The link, locked: of two who open it at once, the second is refused."""
    # All that may serve are locked before it is asked who administers: of two links at once, one opens
    live = sa.select(SetupLink).where(SetupLink.used_at.is_(None)).order_by(SetupLink.id).with_for_update()
    digest = token_hash(token)
    link = next((row for row in db.scalars(live) if row.token_hash == digest), None)
    waiting = {collectivity.id for collectivity in awaiting(db)}
    there = opened(db)
    if there and not waiting:
        raise Refusal("setup-done")
    if link is None or link.expires_at < now():
        raise Refusal("setup-link")
    if link.administers_id is None:
        if there:
            raise Refusal("setup-link")
    elif link.administers_id not in waiting:
        raise Refusal("setup-done")
    return link


def _person(typed: Beginning) -> Beginning:
    """The same, with who administers on one line each; refuses what is missing or is not what it should be."""
    lines = {
        "first_name": _line(typed.first_name, "votre prénom"),
        "last_name": _line(typed.last_name, "votre nom"),
        "capacity": _line(typed.capacity, "votre qualité"),
    }
    return replace(typed, login=login_of(typed.login), email=address_of(typed.email.strip()), **lines)


def _place(typed: Beginning) -> Beginning:
    """The same, with the collectivity as it is kept; refuses what is missing or is not what it should be."""
    siren = "".join(typed.siren.split())
    if not good_siren(siren):
        raise Refusal("siren-key", siren=siren[:LONGEST])
    if typed.nature not in NATURES:
        raise Refusal("setup-missing", what="la nature de la collectivité")
    postal_code = typed.postal_code.strip()
    if len(postal_code) != POSTAL_CODE_LENGTH or not (postal_code.isascii() and postal_code.isdigit()):
        raise Refusal("place-invalid")
    try:
        inhabitants = read(typed.population)
    except ValueError:
        raise Refusal("population-invalid") from None
    return replace(
        typed,
        siren=siren,
        name=_line(typed.name, "le nom de la collectivité"),
        city=_line(typed.city, "la commune où elle signe"),
        department=_department(typed.department.strip().upper()),
        postal_code=postal_code,
        population=str(inhabitants or ""),
    )


def _line(text: str, label: str) -> str:
    """The text on one line; refuses `setup-missing` of what is empty, or shows nothing."""
    line = " ".join(text.split())[:LONGEST]
    if not line or not line.isprintable():
        raise Refusal("setup-missing", what=label)
    return line


def _department(code: str) -> str:
    """« 029 », « 02A », « 974 », as @ctes writes it; « 29 » and « 2A » are understood. Refuses `department-invalid`."""
    code = code.zfill(3)
    metropolis = code in {"02A", "02B"} or 0 < (whole(code, 999) or 0) <= 95
    overseas = code in {"971", "972", "973", "974", "975", "976", "977", "978", "986", "987", "988"}
    if not (metropolis and code != "020") and not overseas:
        raise Refusal("department-invalid", code=code)
    return code
