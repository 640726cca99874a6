"""The journal of the collectivity: who entered, who gave whom what, line by line; what a folder's own journal does not show."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from app.core.clock import PARIS
from app.core.db import Db
from app.core.french import euros, for_years, instant, jour
from app.core.grammar import plural
from app.core.texts import key_of
from app.display.views import family_words
from app.journal.models import JournalEntry
from app.journal.origins import as_read
from app.operations.findings import in_words
from app.operations.things import NUMBERS, ROUTED, Things, called_alike, every_name, numbers_in, things_of
from app.people.models import Application, User
from workflows.rights import Rights

PAGE = 50
ACTS = {
    "absence.changed": "Absence modifiée",
    "absence.ended": "Absence terminée ou annulée",
    "absence.planned": "Absence enregistrée",
    "absence.secretary": "Secrétariat des absences choisi",
    "account.changed": "Compte modifié",
    "account.agenda_closed": "Adresse de l’agenda retirée",
    "account.agenda_opened": "Adresse de l’agenda créée ou changée",
    "account.closed": "Compte fermé",
    "account.closing_cancelled": "Fermeture prévue annulée",
    "account.closing_planned": "Fermeture d’un compte prévue",
    "account.closing_refused": "Fermeture prévue non faite",
    "account.copy_given_back": "Dossier emporté rendu",
    "account.copy_taken": "Dossier emporté sur un appareil",
    "account.delegated": "Administration d’une branche changée",
    "account.mail_confirmed": "Adresse de courriel confirmée",
    "account.mail_stopped": "Rappels arrêtés : l’adresse refuse les courriels",
    "account.opened": "Compte ouvert",
    "account.reduced": "Compte réduit",
    "account.reminders_stopped": "Rappels arrêtés par le lien d’un courriel",
    "account.reopened": "Compte rouvert",
    "application.closed": "Application fermée",
    "application.opened": "Application entrée",
    "application.rotated": "Jeton d’une application changé",
    "account.joined": "Invitation acceptée avec un identifiant existant",
    "account.shared": "L’identifiant sert aussi pour une autre collectivité",
    "arrival.again": "Arrivée reprise",
    "arrival.aside": "Arrivée mise de côté",
    "arrival.let_in": "Arrivée d’un expéditeur inconnu laissée entrer",
    "arrival.mailbox": "Boîte de courriel réglée",
    "arrival.parted": "Pièce d’une arrivée mise à part",
    "arrival.received": "Arrivée reçue",
    "arrival.refused": "Arrivée refusée à l’examen",
    "arrival.scanner": "Numériseur réglé",
    "arrival.separated": "Pile numérisée séparée en documents",
    "arrival.routing": "Destination des arrivées changée",
    "certificate.confirmed": "Certificat confirmé",
    "chorus.again": "Facture de Chorus Pro redemandée",
    "chorus.asked": "Réponse donnée à Chorus Pro",
    "chorus.asked_again": "État redit à Chorus Pro",
    "chorus.completed": "Facture complétée sur Chorus Pro",
    "chorus.status.dropped": "État non dit à Chorus Pro",
    "chorus.status.refused": "État refusé par Chorus Pro",
    "chorus.status.sent": "État dit à Chorus Pro",
    "certificate.declined": "Certificat écarté",
    "certificate.enrolled": "Certificat inscrit",
    "certificate.linked": "Certificat à distance relié",
    "certificate.proven": "Certificat prouvé par sa clé",
    "certificate.purpose": "Usage d’un certificat changé",
    "certificate.withdrawn": "Certificat retiré",
    "circuit.closed": "Circuit fermé",
    "circuit.opened": "Circuit ouvert",
    "circuit.published": "Circuit publié",
    "circuit.reopened": "Circuit rouvert",
    "classification.received": "Classification reçue",
    "collectivity.accounts": "Comptes de fournisseurs importés, ou mis de côté",
    "collectivity.declared": "Fichier de la collectivité appliqué",
    "collectivity.establishments": "Établissements changés",
    "collectivity.handover": "Adresse de remise enregistrée",
    "collectivity.handover_forgotten": "Adresse de remise retirée",
    "collectivity.moved": "Installation passée à PostgreSQL",
    "collectivity.opened": "Collectivité ouverte",
    "collectivity.place": "Lieu de signature changé",
    "collectivity.publication": "Publicité des actes changée",
    "collectivity.restored": "Installation restaurée, envois retenus",
    "collectivity.resumed": "Envois repris après une restauration",
    "collectivity.statements": "Pages publiques complétées",
    "collectivity.started": "Démarrage avec un modèle",
    "convention.resumed": "Convention avec l’État reprise",
    "convention.suspended": "Convention avec l’État suspendue",
    "desk.changed": "Bureau modifié",
    "desk.closed": "Bureau fermé",
    "desk.opened": "Bureau ouvert",
    "desk.reopened": "Bureau rouvert",
    "desk.rights": "Droits à un bureau changés",
    "examination.asked": "Examen de l’installation demandé",
    "examination.tried": "Essai depuis « Mise en service »",
    "factor.added": "Double authentification inscrite",
    "factor.refused": "Code ou clé refusé à la connexion",
    "factor.removed": "Double authentification retirée",
    "factor.reset": "Remise à zéro faite",
    "account.emergency": "Compte de secours",
    "factor.reset_asked": "Remise à zéro demandée",
    "factor.reset_refused": "Remise à zéro écartée",
    "factor.rule": "Règle de double authentification changée",
    "identity.closed": "Session fermée après trop de réponses fausses",
    "identity.given_up": "Confirmation que c’est vous abandonnée",
    "identity.proven": "Identité prouvée de nouveau",
    "identity.refused": "Confirmation que c’est vous refusée",
    "journal.check_asked": "Vérification du journal demandée",
    "journal.addresses_erased": "Adresses du journal effacées",
    "login.closed": "Session fermée",
    "login.opened": "Connexion",
    "mandate.accredited": "Mandat connu du comptable",
    "mandate.ended": "Fin d’un mandat",
    "mandate.opened": "Mandat de signature",
    "operator.back": "L’opérateur répond de nouveau",
    "operator.silent": "L’opérateur ne répond plus",
    "password.asked": "Lien de mot de passe demandé",
    "password.ended": "Lien montré, qui ne sert plus",
    "password.changed": "Mot de passe changé",
    "person.exported": "Données d’une personne exportées",
    "recovery.drawn": "Codes de secours tirés",
    "recovery.moved": "Adresse de récupération changée",
    "rules.published": "Règles publiées",
    "setting.changed": "Réglage de la collectivité changé",
    "setting.forgotten": "Réglage revenu à celui de l’installation",
    "setting.tried": "Réglages essayés",
    "signature.abandoned": "Signature ou inscription abandonnée",
    "signature.refused": "Signature ou inscription refusée",
    "signature.refused_counted": "Refus seulement comptés",
    "supplier.joined": "Fiches de fournisseurs réunies",
    "supplier.parted": "Fiches de fournisseurs séparées",
    "type.closed": "Type de dossiers fermé",
    "type.opened": "Type de dossiers commencé",
    "type.published": "Type de dossiers publié",
    "type.reopened": "Type de dossiers rouvert",
    "view.renamed": "Vue partagée renommée",
    "view.shared": "Vue partagée avec un bureau",
    "view.withdrawn": "Vue retirée d’un bureau",
}
"""What each line says, in French; a line of another name is « Autre acte », never its key."""
_WAYS = {
    "password": "mot de passe",
    "totp": "code d’une application",
    "passkey": "clé d’accès",
    "recovery": "code de secours",
    "moved": "venue d’une autre collectivité",
}
_RULES = {
    "nobody": "personne",
    "administrators": "les administrateurs",
    "engaged": "les administrateurs et ceux qui signent",
    "everybody": "tous",
}

_NAMING = ("person", "name", "login", "holder")
"""The facts that say in words about whom a line is."""
ROOM = 3


@dataclass(frozen=True)
class Line:
    """One line as it is shown: its number in the chain, when, who, what, and the rest in words."""

    seq: int
    at: datetime
    who: str
    act: str
    detail: str


@dataclass(frozen=True)
class Search:
    """What is looked for: one `act`, by or about whoever `who` names, from `since` to `until`, before the line `before`.

    `thing`: in words, what the lines are about: a desk, a circuit, a type, somebody. `desks`: only what was done to the desks
    of these keys. `named`: the names of desks that are told, None for all; another
    is « un autre bureau ».
    """

    act: str = ""
    who: str = ""
    thing: str = ""
    since: date | None = None
    until: date | None = None
    before: int | None = None
    desks: tuple[str, ...] = ()
    named: frozenset[str] | None = None


def lines(db: Db, collectivity_id: int, search: Search, limit: int | None = PAGE) -> list[Line]:
    """The lines, the latest first; one more than the page where there are older ones. All of them without `limit`."""
    query = sa.select(JournalEntry).where(
        JournalEntry.collectivity_id == collectivity_id, sa.text("folder_id IS NULL")
    )
    if search.act:
        query = query.where(JournalEntry.event == search.act)
    if search.desks:
        at_desk = sa.cast(_facts(db)["desk"].as_string(), sa.String).in_(search.desks)
        query = query.where(JournalEntry.event.in_([act for act in ACTS if act.startswith("desk.")]), at_desk)
    if search.who:
        query = query.where(_of(db, collectivity_id, search.who.strip()))
    if search.thing:
        query = query.where(_about(db, collectivity_id, search.thing.strip()))
    if search.since is not None:
        query = query.where(JournalEntry.at >= _midnight(search.since))
    if search.until is not None and search.until < date.max:
        query = query.where(JournalEntry.at < _midnight(search.until + timedelta(days=1)))
    if search.before is not None:
        query = query.where(JournalEntry.seq < search.before)
    query = query.order_by(JournalEntry.seq.desc())
    rows = list(as_read(db, db.scalars(query.limit(limit + 1) if limit else query).all()))
    things = things_of(db, collectivity_id, rows)
    return [line_of(row, _veiled(facts, search.named), things) for row, facts in rows]


def _veiled(facts: Mapping[str, Any], named: frozenset[str] | None) -> Mapping[str, Any]:
    """The facts of a line without the names of desks that are not told."""
    if named is None or not isinstance(above := facts.get("above"), dict):
        return facts
    hidden = {when: name if not name or name in named else "un autre bureau" for when, name in above.items()}
    return {**facts, "above": hidden}


def _midnight(day: date) -> str:
    """The beginning of a day of Paris, as the hour of a line is written."""
    begins = datetime.combine(max(day, date(1900, 1, 1)), time(), PARIS)
    return begins.astimezone(UTC).isoformat(timespec="milliseconds")


def _of(db: Db, collectivity_id: int, typed: str) -> sa.ColumnElement[bool]:
    """What somebody did, or what was done about him: named by his number or in words, as `_detail` shows it."""
    alike, numbers = _people_alike(db, collectivity_id, typed)
    return sa.or_(
        JournalEntry.who.icontains(typed, autoescape=True),
        JournalEntry.who.in_(alike),
        *_naming(db, typed, alike, numbers),
    )


def _about(db: Db, collectivity_id: int, typed: str) -> sa.ColumnElement[bool]:
    """What was done about somebody or something that is, or was, called so; by whoever it was."""
    people, numbers = _people_alike(db, collectivity_id, typed)
    known, facts = called_alike(db, collectivity_id, typed), _facts(db)
    found = [
        sa.cast(facts[name].as_string(), sa.String).in_(keys)
        for name, keys in (
            ("desk", known.desks),
            ("family", known.circuits),
            ("type", known.types),
            ("kind", known.types),
        )
        if keys
    ]
    return sa.or_(*found, *_naming(db, typed, [*people, *known.names], numbers, (*_NAMING, "words")))


def _people_alike(db: Db, collectivity_id: int, typed: str) -> tuple[list[str], list[str]]:
    """The names, of today and of before, of people and software that have these words, and the numbers of those people."""
    names = every_name(db, collectivity_id)
    every: dict[int, set[str]] = {number: {name} for number, name in names.present.items()}
    for number, before in names.former.items():
        every.setdefault(number, set()).update(name for _, name in before)
    # Names are kept as they were written: those that are alike without accents or capitals are looked for by name
    known = sa.select(Application.name).where(Application.collectivity_id == collectivity_id)
    written = {name for several in every.values() for name in several}
    alike = [name for name in {*written, *db.scalars(known)} if key_of(typed) in key_of(name)]
    numbers = [str(number) for number, several in every.items() if not several.isdisjoint(alike)]
    return alike, numbers


def _naming(
    db: Db, typed: str, alike: Sequence[str], numbers: Sequence[str], naming: Sequence[str] = _NAMING
) -> Iterator[sa.ColumnElement[bool]]:
    facts = _facts(db)
    columns = [sa.cast(facts[name].as_string(), sa.String) for name in naming]
    yield from (
        *(sa.cast(facts[name].as_string(), sa.String).in_(numbers) for name in NUMBERS),
        *(column.icontains(typed, autoescape=True) for column in columns),
        *(column.in_(alike) for column in columns),
    )


def _facts(db: Db) -> Any:
    """The facts of a line, to be compared one by one."""
    if db.get_bind().dialect.name == "postgresql":
        return sa.cast(JournalEntry.facts, sa.JSON)
    return sa.type_coerce(JournalEntry.facts, sa.JSON)  # SQLite reads the text itself


def of_accounts(db: Db, collectivity_id: int, numbers: Collection[int]) -> dict[int, str]:
    """The names of these accounts of a collectivity, by their number; no statement where there is none."""
    if not numbers:
        return {}
    people = sa.select(User.id, User.first_name, User.last_name)
    return _names(db, people.where(User.collectivity_id == collectivity_id, User.id.in_(numbers)))


def _names(db: Db, query: Any) -> dict[int, str]:
    return {number: f"{first} {last}" for number, first, last in db.execute(query)}


def line_of(row: JournalEntry, facts: Mapping[str, Any], things: Things) -> Line:
    """A line that belongs to no folder, in French; its `facts` are those of `as_read`, `things` those of `things_of`."""
    act, moment = ACTS.get(row.event, "Autre acte"), datetime.fromisoformat(row.at)
    then = {number: things.people.at(number, moment) for number in numbers_in(facts)}
    with for_years():  # each day with its year
        detail = _detail(row, facts, then, things)
    return Line(row.seq, moment, row.who, act, detail)


def _detail(row: JournalEntry, facts: Mapping[str, Any], names: Mapping[int, str], things: Things) -> str:
    """The facts that a person reads; what only a program verifies stays in the chain."""
    event = row.event
    user = facts.get("user") if facts.get("user") != row.user_id else None
    desk = things.desk(str(facts["desk"]), row.seq) if facts.get("desk") else ""
    parts = [
        names.get(facts.get("whose") or user or 0, "") or facts.get("person"),
        _routing(facts, things, row.seq)
        if event == ROUTED
        else facts.get("words") or facts.get("name") or facts.get("login") or facts.get("holder"),
        _accounts(facts) if event == "collectivity.accounts" else "",
        facts.get("serial") and f"certificat n° {facts['serial']}",
        "attend l’accord d’un administrateur" if facts.get("to_confirm") else "",
        "administrateur" if facts.get("administrator") else "",
        _mandate(facts),
        facts.get("city"),
        f"bureau {desk}" if desk and desk != facts.get("name") else "",
        _rights(facts, things.called),
        *_changed(facts),
        facts.get("closes_at") and f"prévue {instant(datetime.fromisoformat(facts['closes_at']))}",
        _mailed(facts.get("mailed")),
        facts.get("why") or facts.get("reason"),
        _WAYS.get(str(facts.get("way"))),
        _rule(facts.get("now")),
        f"avant : {_rule(facts['was'])}" if event == "factor.rule" and facts.get("was") else "",
        _establishments(facts),
        things.circuit(str(facts["family"]), facts.get("number")) if facts.get("family") else "",
        facts.get("client"),
        in_words(facts["levels"]) if event == "examination.tried" else "",
        _emergency(facts.get("kept")) if event == "account.emergency" else "",
        place(facts),
        _erased(facts),
    ]
    return ", ".join(str(part) for part in parts if part)


def place(facts: Mapping[str, Any]) -> str:
    """The address of an act, or what became of it, in words; nothing where none was kept."""
    where = address(facts)
    return f"adresse {where}" if where else ""


def address(facts: Mapping[str, Any]) -> str:
    """The address alone, or « effacée le … »; nothing where none was kept."""
    if facts.get("address") or "erased_at" not in facts:
        return str(facts.get("address") or "")
    if facts["erased_at"] is None:
        return "ôtée sans qu’aucune écriture ne le dise"
    return f"effacée le {instant(datetime.fromisoformat(facts['erased_at']))}"


def _erased(facts: Mapping[str, Any]) -> str:
    """How many addresses went, and how old they were."""
    if "upto" not in facts:
        return ""
    many = facts["count"] > 1
    return (
        f"{facts['count']} adresse{'s' if many else ''} de plus de {facts['days']} jours, "
        f"jusqu’à l’écriture n° {facts['upto']}"
        f"{_doubtful(facts)}"
    )


def _doubtful(facts: Mapping[str, Any]) -> str:
    """Those that were not as their lines say when the sweep came, by the numbers of these."""
    outcomes = (("altered", "modifiée avant"), ("missing", "ôtée avant sans le dire"))
    parts = [
        f", {word} : n° {', '.join(map(str, facts[name]))}" for name, word in outcomes if facts.get(name)
    ]
    return "".join(parts)


def _mandate(facts: Mapping[str, Any]) -> str:
    """The order, the days and the bounds of a mandate, or of a suspended convention."""
    since, until = facts.get("starts_on") or facts.get("since"), facts.get("ends_on")
    ceiling, families = facts.get("ceiling_cents"), facts.get("families")
    parts = [
        facts.get("order") and f"arrêté {facts['order']}",
        since and f"depuis le {jour(since)}",
        until and f"jusqu’au {jour(until)}",
        ceiling and f"plafond {euros(Decimal(ceiling) / 100)}",
        families and f"pour {', '.join(family_words(family)[0].lower() for family in families)}",
    ]
    return ", ".join(str(part) for part in parts if part)


def _routing(facts: Mapping[str, Any], things: Things, seq: int) -> str:
    """« 2 règles, bureau de tri : Comptabilité (avant : aucune règle, bureau de tri : Accueil) »."""

    def told(table: Any) -> str:
        rows, otherwise = table.get("rows") or (), table.get("otherwise") or {}
        desk = things.desk(str(otherwise["desk"]), seq) if otherwise.get("desk") else "aucun"
        return f"{plural(len(rows), 'règle') if rows else 'aucune règle'}, bureau de tri : {desk}"

    before = facts.get("was") or {}
    return told(facts.get("is") or {}) + (f" (avant : {told(before)})" if before.get("otherwise") else "")


def _accounts(facts: Mapping[str, Any]) -> str:
    """The accounts of suppliers that a file brought, or the one that was put aside, by SIREN and last figures."""
    if aside := facts.get("aside"):
        return f"mis de côté : {aside}"
    named, count = facts.get("accounts") or [], facts.get("added") or 0
    shown = ", ".join(named[:ROOM]) + (" …" if count > len(named[:ROOM]) else "")
    return f"{plural(count, 'compte ajouté', 'comptes ajoutés')} : {shown}" if count else ""


def _establishments(facts: Mapping[str, Any]) -> str:
    """The SIRETs that were added to a list and taken off it, as many as a line has room for; the chain has them all."""
    if "listed" not in facts:
        return ""
    parts = [
        f"{word} : {', '.join(changed[:ROOM])}{' …' if len(changed) > ROOM else ''}"
        for word, changed in (("ajout", facts["added"]), ("retrait", facts["removed"]))
        if changed
    ]
    return ", ".join((*parts, f"{len(facts['listed'])} dans la liste"))


def _rights(facts: Mapping[str, Any], called: Mapping[str, str]) -> str:
    if not isinstance(facts.get("rights"), list):
        return ""
    apart = bool(facts.get("apart"))
    labels = _labels(facts["rights"], called, apart=apart)
    return f"{labels} (avant : {_labels(facts['was'], called, apart=apart)})" if "was" in facts else labels


def _mailed(mailed: object) -> str:
    """Who came to know the link of a password; nothing where the line does not say it."""
    if mailed is None:
        return ""
    return "lien envoyé par courriel" if mailed else "lien montré à qui l’a demandé"


_CHANGED = {"called": "nom", "capacity": "qualité", "above": "rattaché à", "branch": "branche administrée"}


def _changed(facts: Mapping[str, Any]) -> Iterator[str]:
    """What was written of an account or a desk before, and what is written since."""
    for name, label in _CHANGED.items():
        if isinstance(change := facts.get(name), dict):
            yield f"{label} : {change['now'] or 'aucun'} (avant : {change['was'] or 'aucun'})"
    if isinstance(change := facts.get("administers"), dict):
        yield "administre désormais" if change["now"] else "n’administre plus"
    if facts.get("mail") is True:
        yield "adresse de courriel changée"


def _labels(rights: Sequence[str], called: Mapping[str, str], *, apart: bool) -> str:
    """Rights in words; `apart`: since publication is told apart from the visa, which gave it before."""
    try:
        granted = Rights.read(rights)
    except ValueError:
        return ", ".join(rights)  # of another version
    wording = granted.in_words(called)
    return (
        wording if apart else wording.replace("viser et rejeter", "viser, publier et rejeter")
    ) or "aucun droit"


def _rule(rule: object) -> str:
    if not isinstance(rule, Mapping):
        return ""
    wording = f"pour {_RULES.get(str(rule.get('who')), '')}"
    return f"{wording}, et avant chaque signature" if rule.get("before_signing") else wording


def _emergency(reserved: object) -> str:
    """Whether the account is the one in the safe from now on."""
    return "devient un compte de secours" if reserved else "n’est plus un compte de secours"
