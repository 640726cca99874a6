"""Health for machines, and the administrator's page: what stopped, what waits, whether the worker lives."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, current_app, flash, g, jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app.circuits.set_up import TYPES
from app.core import heartbeat, outbox, schema
from app.core.clock import PARIS, now
from app.core.db import Db, engine, key_in, reading
from app.core.french import depuis, instant
from app.core.grammar import plural
from app.core.heartbeat import Heartbeat
from app.core.http import BRANCH, PUBLIC, guard, spreadsheet
from app.core.limits import limiter
from app.core.outbox import Outbox
from app.core.questions import OF, Question, ask, ask_together
from app.core.refusals import Refusal
from app.core.refusals import catalogue as sentences
from app.files import vault
from app.folders import blocked
from app.folders.access import readable_by
from app.folders.models import Folder
from app.journal.models import ChainHead
from app.notices import expected
from app.operations import marks, trace, verifying
from app.operations.absences.web import pages as absences
from app.operations.circuits.web import pages as circuits
from app.operations.desks.web import pages as desks
from app.operations.doctor import WORKER_SILENT
from app.operations.examined import view
from app.operations.examined.web import pages as examined
from app.operations.folder_types.web import pages as folder_types
from app.operations.guidance.web import pages as guidance
from app.operations.installable.web import pages as installable
from app.operations.leaving.web import pages as leaving
from app.operations.own_settings.web import pages as own_settings
from app.operations.persons.web import pages as persons
from app.operations.rules.web import pages as rules
from app.operations.source.web import pages as source
from app.operations.starting.web import pages as starting
from app.operations.statements.web import pages as statements
from app.people import reaching
from app.people.models import Collectivity
from app.transmission import silences

pages = Blueprint("operations", __name__, template_folder="templates")
pages.register_blueprint(absences)
pages.register_blueprint(circuits)
pages.register_blueprint(desks)
pages.register_blueprint(examined)
pages.register_blueprint(folder_types)
pages.register_blueprint(own_settings)
pages.register_blueprint(guidance)
pages.register_blueprint(leaving)
pages.register_blueprint(persons)
pages.register_blueprint(rules)
pages.register_blueprint(installable)
pages.register_blueprint(source)
pages.register_blueprint(starting)
pages.register_blueprint(statements)
SHOWN = 100
"""Blocked folders that are listed; the others are counted."""
MANY_LETTERS = 2000
"""Letters that wait and that are counted by person."""
WAITS = "state IN ('pending','running')"
_QUIET = sa.and_(Outbox.kind == "mail", Outbox.state == "pending", Outbox.attempts == 0)
"""A letter that waits for its hour, of which nothing went wrong."""
SOON = "dès que possible"
READY_RATE = "120 per minute"  # each question reads the database and the store
KINDS = {
    "mail": "Courriel",
    "order_mail": "Bon de commande à envoyer au fournisseur",
    "mail.returns": "Courriels revenus à lire",
    "step.transmit": "Transmission",
    "answer.again": "Réponse d’un envoi, redemandée",
    "step.seal": "Cachet",
    "folder.words": "Mots d’un dossier, pour la recherche",
    "folder.noted": "Mots d’une note, pour la recherche",
    "invoice.rules": "Règles publiées, pour une facture électronique",
    "version.judge": "Vérification des signatures d’un fichier déposé",
    "signature.augment": "Archivage d’une signature",
    "batch.decide": "Décisions d’un lot",
    "batch.sign": "Signatures d’un lot",
    "legality.fetch": "Courriers de la préfecture à relever",
    "pes.fetch": "Retours de la trésorerie à relever",
    "arrivals.open": "Arrivées à ouvrir",
    "chorus.round": "Factures de Chorus Pro à relever",
    "chorus.invoice": "Facture de Chorus Pro à lire",
    "chorus.status": "État à dire à Chorus Pro",
    "arrivals.mail": "Boîtes de courriel à relever",
    "arrivals.scan": "Dossiers des numériseurs à regarder",
    "journal.check": "Vérification du journal",
    "mark.mail": "Repère du journal, par courriel",
    "legality.acknowledge": "Accusé d’un courrier de la préfecture",
}

LETTERS = {
    "digest": "ce qui l’attend",
    "drafts_arrived": "ce qui est arrivé de soi-même",
    "your_turn": "un dossier l’attend",
    "opinion_asked": "un avis est demandé",
    "done": "un dossier est terminé",
    "signed": "un dossier est signé",
    "refused": "un dossier est rejeté",
    "receipt_arrived": "un accusé de réception",
    "absence_set": "une absence",
    "absence_begins": "un intérim commence",
    "absence_over": "un intérim finit",
    "account_invited": "une invitation",
    "password_reset": "un lien de mot de passe",
}
"""What a letter is about, in few words; of a folder, to who reads it."""


@pages.get("/health/live")
@guard(PUBLIC)
def live() -> Response:
    """The process answers."""
    return jsonify(status="alive")


@pages.get("/health/ready")
@guard(PUBLIC)
@limiter.limit(READY_RATE)
def ready() -> tuple[Response, int]:
    """The database, the store and the worker answer; without details, which the doctor gives, and nothing is written.

    `operator` is false while a relay operator is silent or refuses an account, and changes neither status nor code.
    """
    checks = {
        "database": _try(_database),
        "store": _try(lambda: vault.store().answers()),
        "worker": _try(_worker),
    }
    fine = all(checks.values())
    # An operator that is silent stops nobody from signing: it is told here, and takes nothing out of service
    status, code = ("ready", 200) if fine else ("not ready", 503)
    return jsonify(status=status, **checks, operator=_try(_operator)), code


@pages.get("/metrics")
@guard(PUBLIC)
@limiter.limit(READY_RATE)
def metrics() -> Response:
    """Figures for a monitoring system, to whoever has the token or asks from the machine itself; no page for others."""
    from app.operations import metrics as figures

    chosen = current_app.config["PARAPHE"]
    token = chosen.metrics_token.get_secret_value()
    if not figures.allowed(request.remote_addr, dict(request.headers), token):
        raise Refusal("not-found")
    return Response(figures.text(chosen), content_type=figures.TYPE)


def _try(check: Callable[[], bool | None]) -> bool:
    try:
        return check() is not False
    except Exception as fault:  # noqa: BLE001 - the answer is « not ready », the fault is for the log
        current_app.logger.warning("not ready: %r", fault)
        return False


def _database() -> bool:
    """It answers, and is at no former version, whose tables this code would not know; a newer one serves (« Sans coupure »)."""
    with engine().connect() as connection:
        connection.execute(sa.text("SELECT 1 FROM collectivity LIMIT 1"))
        return not schema.former(connection.scalar(sa.text("SELECT version_num FROM alembic_version")))


def _worker() -> bool:
    last = heartbeat.last(heartbeat.WORKER)
    return last is not None and now() - last < WORKER_SILENT


def _operator() -> bool:
    with reading() as db:
        return not any(silence.notified for silence in silences.lasting(db))


@pages.get("/administration")
@guard(BRANCH)
def admin() -> Response | str:
    """What stopped after its last try, what waits, and folders that nobody can move; of a branch, its desks."""
    if g.actor.delegated:
        return redirect(url_for("operations.desks.index"))
    with reading(g.actor.collectivity_id) as db:
        parked = list(db.scalars(_rows("state = 'parked'")))
        waiting = list(db.scalars(_rows(WAITS).where(sa.not_(_QUIET))))
        letters = list(db.scalars(_rows(WAITS, MANY_LETTERS).where(_QUIET)))
        own = db.get_one(Collectivity, g.actor.collectivity_id).settings
        departures = expected.departures(db, own, letters)
        refusing = _refusing(db, parked)
        # Put back to work, what an address refuses would be refused again
        counts = sa.select(Outbox.kind, sa.func.count(Outbox.id)).where(
            sa.text("state = 'parked'"), sa.not_(reaching.refusing())
        )
        several = [
            (kind, KINDS.get(kind, "Tâche"), count)
            for kind, count in db.execute(counts.group_by(Outbox.kind).order_by(Outbox.kind))
            if count > 1
        ]
        silent = silences.lasting(db, g.actor.collectivity_id)
        stuck = blocked.blocked(db, g.actor.collectivity_id)
        ill = _ill(db)
        every = (*parked, *waiting, *letters)
        readers = {row.payload.get("user_id", 0) for row in every if row.kind == "mail"}
        readers |= {away.law.person for one in stuck.kept[:SHOWN] for away in one.absences}
        names = trace.of_accounts(db, g.actor.collectivity_id, readers)
        shown = [one.folder_id for one in stuck.folders[:SHOWN]] + [
            one.folder_id for one in stuck.kept[:SHOWN]
        ]
        shown += [row.folder_id for row in every if row.folder_id is not None]
        readable = set(db.scalars(sa.select(Folder.id).where(Folder.id.in_(shown), readable_by(g.actor))))
    last = heartbeat.last(heartbeat.WORKER)
    sentence = (
        f"Dernier signe de vie {depuis(last).replace('depuis', 'il y a')}."
        if last
        else "Aucun signe de vie : dites à qui tient l’installation que le travail de fond n’est pas lancé."
    )
    return render_template(
        "operations/admin.html",
        several=several,
        parked=[_view(row, names, readable, refusing.get(row.id)) for row in parked],
        waiting=[
            *(_view(row, names, readable) for row in sorted(waiting, key=lambda row: -row.attempts)),
            *_letters(letters, departures, names, readable),
        ],
        heartbeat=(_worker(), sentence),
        stuck=stuck.folders[:SHOWN],
        more_stuck=plural(len(stuck.folders) - SHOWN, "autre") if stuck.folders[SHOWN:] else "",
        all_looked=stuck.whole,
        readable=readable,
        kept=[
            (
                one.folder_id,
                one.named,
                one.asked,
                [(away.number, names.get(away.law.person, ""), away.until) for away in one.absences],
            )
            for one in stuck.kept[:SHOWN]
        ],
        more_kept=plural(len(stuck.kept) - SHOWN, "autre") if stuck.kept[SHOWN:] else "",
        silent=silent,
        ill=ill,
    )


def _ill(db: Db) -> str:
    """How many points of the last round are to be mended, as whoever asks reads them; empty when none is."""
    count = view.shown_to(db, g.actor, current_app.config["PARAPHE"]).ill
    return f"{count} points sont à régler" if count > 1 else "Un point est à régler" if count else ""


def _rows(states: str, most: int = 200) -> Any:
    """The first rows in these states, in the words of a partial index: a bound value would have all rows read.

    They are put in order once found: the order of the key alone would have SQLite read all rows to the first of them.
    """
    return sa.select(Outbox).where(sa.text(states)).order_by(sa.text("outbox.id + 0")).limit(most)


def _refusing(db: Db, rows: Sequence[Outbox]) -> dict[int, int]:
    """The letters that stopped because their address was refused, and refuses still as far as is known: whose it is, by row."""
    numbers = [row.id for row in rows if row.kind == "mail"]
    query = sa.select(Outbox.id).where(Outbox.id.in_(numbers), reaching.refusing())
    dead = set(db.scalars(query)) if numbers else set()
    return {row.id: int(row.payload["user_id"]) for row in rows if row.id in dead}


def _view(
    row: Outbox, names: Mapping[int, str], readable: Collection[int], person: int | None = None
) -> tuple[object, ...]:
    """A row without the folder's title: an administrator who holds no desk of it reads nothing of it.

    `person`: whose address refuses it, where it is that which is to be mended.
    """
    label = KINDS.get(row.kind, "Tâche")
    reader = names.get(row.payload.get("user_id", 0)) if row.kind == "mail" else None
    label = f"{label} à {reader}" if reader else label
    what = LETTERS.get(row.payload.get("event", "")) if row.kind == "mail" else None
    if what and (row.folder_id is None or row.folder_id in readable):
        label = f"{label} : {what}"
    title = f"Dossier n° {row.folder_id}" if row.folder_id else ""
    url = url_for("folders.show", folder_id=row.folder_id) if row.folder_id in readable else ""
    where = url_for("operations.persons.show", user_id=person) if person is not None else ""
    # When a row that waits will be tried; of one that a worker has, or that is due, at once
    later = row.state == "pending" and row.available_at > now()
    leaves = instant(row.available_at) if later else SOON
    return row.id, label, "", title, url, row.attempts, row.last_error, row.created_at, leaves, where


def _letters(
    rows: Sequence[Outbox],
    departures: Mapping[int, expected.Departure],
    names: Mapping[int, str],
    readable: Collection[int],
) -> Iterator[tuple[object, ...]]:
    """One line for the letters that one person is to be sent on one day (`_view`), by that day; one alone says what it tells.

    What one letter tells for several is one.
    """
    groups = defaultdict[tuple[object, ...], list[tuple[Outbox, expected.Departure]]](list)
    for row in rows:
        departure = departures.get(row.id, expected.Departure(None, never=expected.CLOSED))
        day = departure.at.astimezone(PARIS).date() if departure.at else None
        groups[bool(departure.never), day or date.min, row.payload["user_id"]].append((row, departure))
    for _, letters in sorted(groups.items(), key=lambda pair: pair[0]):
        row, departure = min(letters, key=lambda pair: (pair[1].at or pair[0].available_at, pair[0].id))
        view = list(_view(row, names, readable))
        leaving = [(one, its) for one, its in letters if not its.merged]
        if len(letters) > 1:
            last = " ou plus" if len(rows) == MANY_LETTERS else ""
            count = f"{len(leaving)}{last} courriels" if len(leaving) > 1 else "un seul courriel"
            told = f"{len(letters)}{last} annonces"
            what = count if len(leaving) == len(letters) else f"{count} pour {told}" if leaving else told
            view[1] = f"{names.get(row.payload['user_id'], 'Compte effacé')}, {what}"
            view[3] = view[4] = ""
            view[7] = min(one.created_at for one, _ in letters)
        view[6] = " ; ".join(sorted({one.why for _, one in letters if one.why}))
        view[2] = (
            _condition([one for _, one in leaving]) if leaving else "dans un autre courriel à cette personne"
        )
        several = len({instant(one.at) for _, one in leaving}) > 1
        first = f"{'dès ' if several else ''}{instant(departure.at)}" if departure.at else SOON
        view[8] = (
            f"ne part{'ent' if len(letters) > 1 else ''} pas : {departure.never}"
            if departure.never
            else first
        )
        yield tuple(view)


def _condition(letters: Sequence[expected.Departure]) -> str:
    """What must still be so for letters to leave; empty where nothing must, or where they will not."""
    asking = sum(one.asks and not one.never for one in letters)
    if not asking:
        return ""
    if len(letters) == 1:
        return "ne partira que si quelque chose attend encore cette personne"
    whose = (
        "chacun ne partira" if asking == len(letters) else f"{asking} ne partir{'ont' if asking > 1 else 'a'}"
    )
    what = "ce qu’ils annoncent" if 1 < asking < len(letters) else "ce qu’il annonce"
    return f"{whose} que si {what} attend encore cette personne"


@pages.post("/administration/envois/<int:row_id>/relancer")
@guard("administer")
def retry(row_id: int) -> Response:
    """Put a parked row back to work."""
    if not outbox.retry(g.actor.collectivity_id, row_id):
        raise Refusal("row-unknown")
    flash("L’envoi est relancé.", "ok")
    return redirect(url_for("operations.admin"))


@pages.post("/administration/envois/relancer")
@guard("administer")
def retry_all() -> Response:
    """Put all that is parked of one kind back to work, but the letters that their address would refuse again."""
    kind = request.form.get("kind", "")
    here, which = g.actor.collectivity_id, sa.not_(reaching.refusing())
    count = outbox.retry_all(kind, here, which) if kind in KINDS else 0
    if not count:
        raise Refusal("row-unknown")
    flash(f"{count} envois sont relancés." if count > 1 else "L’envoi est relancé.", "ok")
    return redirect(url_for("operations.admin"))


@pages.app_context_processor
def _outages() -> dict[str, object]:
    """What a page tells an administrator while letters do not leave."""

    def mail_down() -> str:
        with reading(g.actor.collectivity_id) as db:
            outage = outbox.stopped(db, "mail")
        if outage is None:
            return ""
        waiting, leaving = (
            (f"{outage.count} lettres attendent", "elles partiront d’elles-mêmes")
            if outage.count > 1
            else ("une lettre attend", "elle partira d’elle-même")
        )
        sentence = f"{waiting} {depuis(outage.since)}, {leaving} quand le serveur répondra."
        return f"Le courriel ne part plus : {sentence}"

    return {"mail_down": mail_down}


HEAD = Question((ChainHead,), ChainHead.collectivity_id == OF, order=lambda row: row[0].seq)
MARKED = Question((Heartbeat,), Heartbeat.name == marks.BEAT, order=lambda row: row[0].name)
"""When a mark of all the chains was last taken."""


@pages.get("/administration/journal")
@guard("administer")
def journal() -> str | tuple[str, int]:
    """Who entered, who gave whom what: the lines of the chained journal that belong to no folder.

    Days that are not read are told beside them, with all that was typed, and nothing is looked for.
    """
    here, status, error = g.actor.collectivity_id, 200, ""
    try:
        search = _search()
    except Refusal as refusal:
        status, error = sentences.say(refusal.key, refusal.facts)
        search = _search(days=False)
    with reading(here) as db:
        ask_together(db, (HEAD, MARKED, TYPES, verifying.LAST), here)
        shown = [] if error else trace.lines(db, here, search)
        chain_head = next((row for (row,) in ask(db, HEAD, here)), None)
        marked_at = next((row.beat_at for (row,) in ask(db, MARKED, here)), None)
        checked = verifying.last(db, here)
    more = len(shown) > trace.PAGE
    page = render_template(
        "operations/journal.html",
        error=error,
        since=request.args.get("du", "")[:10],
        until=request.args.get("au", "")[:10],
        lines=shown[: trace.PAGE],
        more=shown[trace.PAGE - 1].seq if more else None,
        asked=search,
        chain_head=chain_head,
        marked_at=marked_at,
        checked=checked,
        lasting=checked is not None and verifying.lasts(checked),
        acts=sorted(trace.ACTS.items(), key=lambda act: act[1]),
        address_days=current_app.config["PARAPHE"].journal_address_days,
    )
    return page, status


@pages.post("/administration/journal/verifier")
@guard("administer")
def journal_check() -> Response:
    """Have the whole chain of the collectivity checked: now when it is short, by the worker when it is long."""
    if verifying.check(g.actor):
        flash("Le journal est vérifié : le résultat est ci-dessous.", "ok")
    else:
        flash("La vérification est demandée : le travail de fond relit toute la chaîne.", "ok")
    return redirect(url_for("operations.journal"))


@pages.get("/administration/journal.<any(csv, ods):form>")
@guard("administer")
def journal_file(form: str) -> Response:
    """The same lines, all of them, for a table of one's own; no cell begins as a formula would (OWASP, CSV injection)."""
    with reading(g.actor.collectivity_id) as db:
        rows = trace.lines(db, g.actor.collectivity_id, _search(), limit=None)
    head = ("Écriture", "Heure (UTC)", "Qui", "Acte", "Détail")
    cells = [(line.seq, line.at, line.who, line.act, line.detail) for line in rows]
    return spreadsheet("journal", form, head, cells)


def _search(*, days: bool = True) -> trace.Search:
    """What is looked for, without its `days` where they are not read; refuses `trace-days`."""
    act = request.args.get("acte", "")
    search = trace.Search(
        act if act in trace.ACTS else "",
        request.args.get("qui", "").strip()[:100],
        request.args.get("objet", "").strip()[:100],
        _day(request.args.get("du", "")) if days else None,
        _day(request.args.get("au", "")) if days else None,
        key_in(request.args.get("avant")),
    )
    if search.since and search.until and search.since > search.until:
        raise Refusal("trace-days")
    return search


def _day(typed: str) -> date | None:
    try:
        return date.fromisoformat(typed.strip()) if typed.strip() else None
    except ValueError:
        raise Refusal("trace-days") from None
