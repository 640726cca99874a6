"""Pages of signing: the dialog, the two requests that the page makes, and a person's certificates."""

import time
from contextlib import suppress
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, current_app, flash, g, jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app.circuits.library import family_of
from app.core.clock import now, today
from app.core.db import Db, reading
from app.core.french import jour_long, spaces
from app.core.http import PERSON, answer, guard, wants_json
from app.core.refusals import Refusal, catalogue
from app.display import moved, page, queues
from app.display.opening import shown_to
from app.display.portrait import current_present
from app.display.views import after_act
from app.folders.access import authorize
from app.folders.models import DocumentVersion, Folder
from app.folders.move import not_your_turn
from app.folders.sockets import cautions
from app.people.models import User
from app.signing import authority, enrol, expiry, payload, refused, setting
from app.signing.enrolling.web import pages as enrolling
from app.signing.enrolling.web import state_of
from app.signing.handwriting.web import pages as handwriting
from app.signing.legal import legal_sentence
from app.signing.models import Certificate, SignatureSession
from app.signing.office.web import pages as office
from app.signing.paper import sheet
from app.signing.paper.web import pages as paper
from app.signing.placing.plan import PDF
from app.signing.placing.web import pages as placing
from app.signing.remote.web import at_distance, kept_there
from app.signing.remote.web import pages as remote
from app.signing.verdicts.web import pages as documents
from app.trust import authorities
from app.trust.purpose import Purpose
from workflows.vocabulary import Action, Right

pages = Blueprint("signing", __name__, template_folder="templates")
pages.register_blueprint(documents)
pages.register_blueprint(placing)
pages.register_blueprint(office)
pages.register_blueprint(enrolling)
pages.register_blueprint(paper)
pages.register_blueprint(handwriting)
pages.register_blueprint(remote)
SIGN, NOTHING = "sign", "Rien n’a été signé"
LOOK_AGAIN = 60.0
"""Seconds between two looks at what ends soon: it is told in days, and every page asks."""


@pages.record_once
def _remember(state: Any) -> None:
    state.app.extensions["signing-endings"] = {}


@pages.app_context_processor
def _context() -> dict[str, Any]:
    return {"endings": _endings}


def _endings() -> list[str]:
    """What ends soon of whoever signs and reads the page, in sentences; looked up once a minute, not at each page."""
    if not g.actor.desks_with(Right.SIGN):
        return []
    known, day, turn = current_app.extensions["signing-endings"], today(), time.monotonic()
    since, of_day, sentences = known.get(g.actor.user_id, (0.0, None, []))
    if of_day != day or turn - since > LOOK_AGAIN:
        with reading(g.actor.collectivity_id) as db:
            sentences = [ending.sentence for ending in expiry.endings(db, day, g.actor.user_id)]
        known[g.actor.user_id] = turn, day, sentences
    return list(sentences)


@pages.errorhandler(Refusal)
def _refused(refusal: Refusal) -> Response:
    """A page that signs a folder that moved is told who did what to it; every other refusal is told as everywhere."""
    status, sentence = catalogue.say(refusal.key, refusal.facts)
    folder_id = (request.view_args or {}).get("folder_id")
    if refusal.key == "moved-on" and folder_id is not None and wants_json():
        with suppress(Refusal):  # he may read it no more
            deed = shown_to(g.actor, folder_id, lambda db, folder: moved.told(db, folder, g.actor.user_id))
            nothing = "Rien de plus n’a été signé" if deed.startswith("Vous avez signé ") else NOTHING
            deed = f"v{deed[1:]}" if deed.startswith("Vous ") else deed
            sentence = spaces(f"{nothing} : {deed}.")
    return answer(status, refusal.key, sentence, refusal.facts)


@pages.get("/dossiers/<int:folder_id>/signer")
@guard(SIGN)
def dialog(folder_id: int) -> Response | str:
    """What is signed, by whom, with what; the key is opened in the page and stays there."""
    return shown_to(g.actor, folder_id, _dialog)


def _dialog(db: Db, folder: Folder) -> Response | str:
    position = current_present(db, folder)
    choice = page.decision(db, folder, g.actor, position)
    if not any(action.name == Action.SIGN for action in choice.actions):
        raise not_your_turn(db, g.actor, folder, position)
    if sheet.of_round(db, folder):  # what one signs by hand, the others do
        return redirect(url_for("signing.paper.sheet", folder_id=folder.id))
    documents = page.documents(db, folder, None)
    main = next(document for document in documents if document.role == "main")
    version = db.scalars(_version(main.id, main.number)).one()
    certificates = enrol.certificates_of(db, g.actor.user_id)
    mine = enrol.usable(certificates)
    capacities = authority.capacities(db, g.actor, folder, position) if position is not None else ()
    absent = authority.absent_of(db, g.actor, folder, position) if position is not None else ""
    on_paper = sheet.allowed(db, g.actor, folder)
    view = page.head(db, folder)
    points, legal = cautions(db, folder), legal_sentence(db, folder)
    inside = [enclosure for document in documents for enclosure in document.enclosed]
    return render_template(
        "signing/dialog.html",
        folder=view,
        points=points,
        inside=inside,
        document_line=f"{main.title}, {view.family_label.lower()} {view.number}".strip(),
        extent=_extent(version, folder),
        capacities=capacities,
        absent=absent,
        legal=legal,
        prepare_url=url_for("signing.prepare", folder_id=folder.id),
        complete_url=url_for("signing.complete", folder_id=folder.id),
        certificate=described(mine[0]) if mine else None,
        lack=enrol.lack_of(certificates),
        paper_url=url_for("signing.paper.sheet", folder_id=folder.id) if on_paper else None,
        remote=at_distance(
            **{
                name: url_for(f"signing.remote.{name}", folder_id=folder.id)
                for name in ("prepare", "authorise", "complete")
            }
        ),
        place_url=url_for("signing.placing.planned", folder_id=folder.id)
        if _placed(version, folder)
        else None,
    )


def _placed(version: DocumentVersion, folder: Folder) -> bool:
    """Whether whoever signs now may say where on the page: never where the signature is a file beside the document."""
    if (
        not version.pages
        or version.media_type != PDF
        or family_of(folder.in_force).signature_format is not None
    ):
        return False
    # The first signature makes every field: the next ones find their place already taken on the page; and the author
    # of a certified document has said where its signatures stand.
    return version.origin != "signed" and "free_fields" not in version.note


def _extent(version: DocumentVersion, folder: Folder) -> str:
    """How much one gesture signs, in words."""
    if version.pages:
        return f"1\u00a0document, {version.pages}\u00a0page{'s' if version.pages > 1 else ''}"
    slips = folder.fields.get("slips") if family_of(folder.in_force).signature == "pes" else None
    if isinstance(slips, int):
        return f"1\u00a0flux, {slips}\u00a0bordereau{'x' if slips > 1 else ''}"
    return "1\u00a0document"


def _version(document_id: int, number: int) -> Any:
    return sa.select(DocumentVersion).where(
        DocumentVersion.document_id == document_id, DocumentVersion.number == number
    )


@pages.post("/dossiers/<int:folder_id>/signature/preparer")
@guard(SIGN)
def prepare(folder_id: int) -> Response:
    """What the key must sign, for the certificate that the page shows."""
    from app.signing import sign
    from app.signing.keys import browser, webeid

    offer = payload.body()
    where = webeid if offer.get("provider") == "webeid" else browser
    with refused.watched(g.actor, "prepare", folder_id=folder_id):
        key = where.read_key(offer)
        ready = sign.prepare(
            g.actor,
            folder_id,
            version=payload.whole(offer, "version"),
            key=key,
            box=payload.box(offer),
            mandate=payload.mandate(offer),
            shown=payload.shown(offer),
        )
    signer = {
        "name": ready.certificate.common_name,
        "issuer": ready.certificate.issuer_name,
        "not_after": ready.certificate.not_after.isoformat(),
    }
    return jsonify(
        session=ready.session,
        items=[{"id": entry.field, **where.question(entry, key.certificate)} for entry in ready.prepared],
        signer=signer,
    )


@pages.route("/dossiers/<int:folder_id>/signature/terminer", methods=["GET", "POST"])
@guard(SIGN)
def complete(folder_id: int) -> Response:
    """Embed what the key made, and go on; asked again (GET), say what became of the session."""
    from app.signing import session as sessions

    if request.method != "POST":
        with reading(g.actor.collectivity_id) as db:
            authorize(db, g.actor, folder_id)
        state = sessions.state_of(g.actor, folder_id, request.args.get("session", ""))
        return jsonify(
            state=state, location=_next(folder_id, tell=state == "done") if state == "done" else None
        )
    body = payload.body()
    session = str(body.get("session", ""))
    with refused.watched(g.actor, "complete", folder_id=folder_id, session=session):
        _complete(folder_id, session, body.get("signatures"))
    return jsonify(state="done", location=_next(folder_id, tell=True))


def _complete(folder_id: int, session: str, signatures: Any) -> None:
    from app.signing import sign
    from app.signing.keys import browser, webeid

    certificate = _same_folder(folder_id, session)
    if (
        not isinstance(signatures, list)
        or not signatures
        or not all(isinstance(entry, dict) for entry in signatures)
    ):
        raise Refusal("bad-request", detail="la signature manque")
    # A card says how it signed, a key opened in the page does as it is told
    values = [
        webeid.read_signature(entry, certificate)
        if "signatureAlgorithm" in entry
        else browser.read_signature(entry.get("signature"))
        for entry in signatures
    ]
    sign.complete(g.actor, session, values)


def _same_folder(folder_id: int, session: str) -> bytes:
    """The session's certificate; refuses one prepared on another folder than the address's (`session-used`), unclaimed."""
    with reading(g.actor.collectivity_id) as db:
        authorize(db, g.actor, folder_id)
        query = sa.select(SignatureSession.folder_id, SignatureSession.certificate)
        row = db.execute(query.where(SignatureSession.id == session)).one_or_none()
    if row is None or row.folder_id != folder_id:
        raise Refusal("session-used")
    return bytes(row.certificate)


def _next(folder_id: int, *, tell: bool) -> str:
    """Where the signer goes now: the next folder that waits, or the list; to the end of the guide, whom it has guided."""
    with reading(g.actor.collectivity_id) as db:
        title = authorize(db, g.actor, folder_id).title
        waiting = queues.todo(db, g.actor)
    if tell:
        left = len(waiting)
        rest = (
            f"{left} dossier{'s restent' if left > 1 else ' reste'}."
            if left
            else "Plus aucun dossier ne vous attend."
        )
        flash(after_act(title, "est signé", rest, url_for("folders.show", folder_id=folder_id)), "ok")
    if tell and g.actor.guided:  # as the request found him: the signature has put the guide away
        return url_for("operations.guidance.first_signed", folder_id=folder_id)
    return url_for("folders.show", folder_id=waiting[0].id) if waiting else url_for("folders.inbox")


def described(certificate: Certificate) -> tuple[str, str, str]:
    """Whose certificate it is, who issued it and until when it may be used, as the sign dialog says it."""
    names = enrol.common_name(certificate.subject), enrol.common_name(certificate.issuer)
    return *names, jour_long(certificate.not_after)


@pages.get("/compte/certificats")
@guard(PERSON)
def certificates() -> str:
    """A person's certificates, and the form whose script has the key prove that it is there (`enrolling/web.py`)."""
    away = {key.certificate_id for key in kept_there()}
    with reading(g.actor.collectivity_id) as db:
        owner = db.get_one(User, g.actor.user_id)
        rows = [
            (
                row.id,
                enrol.common_name(row.subject),
                enrol.common_name(row.issuer),
                row.serial,
                jour_long(row.not_after),
                state_of(row),
                f"{Purpose(row.purpose).label}, à distance" if row.id in away else Purpose(row.purpose).label,
                enrol.Proof(row.proof).label,
                enrol.awaited(row, owner).clause,
            )
            for row in enrol.certificates_of(db, g.actor.user_id)
        ]
    return render_template(
        "signing/certificates.html",
        rows=rows,
        purposes=list(Purpose),
        service=setting.remote_name(),
    )


@pages.post("/compte/certificats/<int:certificate_id>/retirer")
@guard(PERSON)
def withdraw_certificate(certificate_id: int) -> Response:
    """Stop signing with a certificate."""
    enrol.withdraw(g.actor, certificate_id)
    flash("Ce certificat ne peut plus signer pour vous.", "ok")
    return redirect(url_for("signing.certificates"))


@pages.route("/compte/certificats/diagnostic", methods=["GET", "POST"])
@guard(PERSON)
def diagnosis() -> Response | str:
    """« Ma carte n’est pas vue »: the steps that the page tries one by one, and whether the card that it saw may sign."""
    if request.method != "POST":
        return render_template("signing/diagnosis.html")
    from app.signing.keys.webeid import read_key
    from app.trust.certificates import check_certificate, facts

    key = read_key(payload.body())
    with reading(g.actor.collectivity_id) as db:
        mine = enrol.enrolled_of(db, g.actor.user_id)
    certificate = facts(key.certificate)
    check_certificate(key.certificate, key.chain, trust=authorities.trust(), moment=now(), enrolled=mine)
    return jsonify(name=certificate.common_name, not_after=certificate.not_after.isoformat())
