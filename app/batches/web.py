"""Pages of batches: one page for the whole life of a batch, from its list to its results, and what its buttons post."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from flask import Blueprint, flash, g, jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app.batches import gesture, handing, progress, selection, taking_back
from app.batches import history as past
from app.batches.meaning import meanings
from app.core.clock import today
from app.core.db import Db, key_in, reading
from app.core.french import spaces
from app.core.grammar import plural, to_desk
from app.core.http import PERSON, guard, spreadsheet
from app.core.limits import limiter, whoever
from app.core.refusals import Refusal
from app.core.refusals import catalogue as sentences
from app.display.consulting import people_told
from app.display.ticking import LIMIT, ticked
from app.display.trays import asked_in
from app.display.undone import UndoView
from app.people.actor import Actor
from app.signing import enrol, payload
from app.signing.remote.web import at_distance, codes_of, question_of, rate
from app.signing.web import described
from workflows.circuit import StepKind

if TYPE_CHECKING:
    from app.batches.signatures import Answer
    from app.signing.ports import ExternalKey

pages = Blueprint("batches", __name__, template_folder="templates")
SIGN, HAND = "sign", "hand"
TOLD = 5
"""Folders named that stay as they are, when a batch is taken back; the others are counted."""
UNDONE = {
    "approve": ("visa est annulé", "visas sont annulés"),
    "hand": ("dossier n’est plus confié", "dossiers ne sont plus confiés"),
}
UNDO = {
    "approve": ("Annuler ce visa", "Annuler ces {} visas"),
    "hand": ("Ne plus confier ce dossier", "Ne plus confier ces {} dossiers"),
}
"""The button that takes back what a batch has just done, of one folder and of several."""
CHANGED = frozenset({"batch-desk-changed", "batch-changed", "batch-words-changed"})
"""The refusals of a page that shows what another page has changed since."""
FREQUENT = ("Pièce manquante", "Montant à vérifier", "Imputation", "Pas d’accord")


@pages.post("/lots")
@guard(PERSON)
def propose() -> Response | tuple[str, int]:
    """Gather what was ticked, or everything that a filter finds and that awaits this act, and show it before anything is done.

    Of several folders none of which goes, what each of them needs.
    """
    kind = request.form.get("kind", "")
    with reading(g.actor.collectivity_id) as db:
        if old := key_in(request.form.get("again")):
            wanted = progress.again(db, g.actor, old)
        elif request.form.get("all") and kind in selection.STEPS:
            wanted = _found(db, kind)
        else:
            wanted = ticked(request.form.getlist("d"))
    try:
        return _to(gesture.propose(g.actor, kind, wanted))
    except Refusal as refusal:
        if refusal.key != "batch-nothing" or len(wanted) < 2:
            raise
        with reading(g.actor.collectivity_id) as db:
            lines = progress.left_out(selection.choose(db, g.actor, kind, wanted))
        if not lines:
            raise
        title = f"{progress.VERBS[kind][0]} {progress.folders(len(lines))}"
        nothing = sentences.say("batch-nothing", {**refusal.facts, "why": ""})[1].partition(".")[0]
        fields = {"title": title, "nothing": f"{nothing}."}
        return render_template("batches/nothing.html", lines=lines, kind=kind, **fields), 409


@pages.get("/lots/compte")
@guard(PERSON)
def counted() -> Response:
    """Of what is ticked, or of all that the list finds: how many each act takes, and in how many something is settled first."""
    with reading(g.actor.collectivity_id) as db:
        wanted = _found(db, "") if request.args.get("all") else ticked(request.args.getlist("d"))
        judged = {
            act: [choice.why for choice in selection.choose(db, g.actor, kind, wanted)]
            for act, kind in ((StepKind.VISA, "approve"), (StepKind.SIGN, SIGN))
        }
    settle = sum(bool(why) and selection.to_settle(why) for whys in judged.values() for why in whys)
    return jsonify({**{act: whys.count("") for act, whys in judged.items()}, "settle": settle})


def _found(db: Db, kind: str) -> dict[int, int]:
    """All that the list finds (`list`), what it leaves out told with why; else what awaits this act alone."""
    return selection.everything(
        db, g.actor, asked_in(request.values), "" if request.values.get("all") == "list" else kind
    )


@pages.get("/lots")
@guard(PERSON)
def history() -> str:
    """What one has decided together, batch by batch."""
    before = key_in(request.args.get("avant"))
    with reading(g.actor.collectivity_id) as db:
        batches, older = past.history(db, g.actor, before)
    return render_template("batches/history.html", batches=batches, older=older, older_than=before)


@pages.get("/lots.<any(csv, ods):form>")
@guard(PERSON)
def history_table(form: str) -> Response:
    """The same, as a table of one's own: the last `past.MOST`."""
    with reading(g.actor.collectivity_id) as db:
        batches, _ = past.history(db, g.actor, most=past.MOST)
    return spreadsheet(f"lots-{today():%Y-%m-%d}", form, past.HEAD, [batch.cells for batch in batches])


@pages.get("/lots/<int:batch_id>.<any(csv, ods):form>")
@guard(PERSON)
def table(batch_id: int, form: str) -> Response:
    """The folders of one batch and what became of each, those that were left out too, as a table of one's own."""
    with reading(g.actor.collectivity_id) as db:
        standing = progress.standing(db, g.actor, batch_id)
    return spreadsheet(f"lot-{batch_id}", form, progress.HEAD, progress.cells_of(standing))


@pages.get("/lots/<int:batch_id>")
@guard(PERSON)
def show(batch_id: int) -> str:
    """The list to confirm, the progress, or the results."""
    return _page(batch_id)


@pages.post("/lots/<int:batch_id>/bureau")
@guard(PERSON)
def choose_desk(batch_id: int) -> Response | tuple[str, int]:
    """Choose to which desk its folders are handed."""
    try:
        gesture.choose_desk(g.actor, batch_id, request.form.get("desk", ""), _mark())
    except Refusal as refusal:
        if refusal.key not in {*CHANGED, "batch-desk-needed", "batch-nothing"}:
            raise
        status, error = sentences.say(refusal.key, refusal.facts)
        return _page(batch_id, error, choosing=True, changed=refusal.key in CHANGED), status
    return _to(batch_id)


@pages.post("/lots/<int:batch_id>/commencer")
@guard(PERSON)
def start(batch_id: int) -> Response | tuple[str, int]:
    """Start it, or take it up where it stood."""
    reason = request.form.get("reason", "")
    shown = gesture.Shown(_mark(), request.form.get("desk", ""))
    try:
        gesture.take_up(g.actor, batch_id, reason, shown)
    except Refusal as refusal:
        if refusal.key not in {
            *CHANGED,
            "batch-reason-needed",
            "handing-reason",
            "batch-desk-needed",
            "words-long",
        }:
            raise
        status, error = sentences.say(refusal.key, refusal.facts)
        return _page(batch_id, error, changed=refusal.key in CHANGED), status
    return _to(batch_id)


@pages.post("/lots/<int:batch_id>/retirer-non-lus")
@guard(PERSON)
def leave_unread_out(batch_id: int) -> Response | tuple[str, int]:
    """Take what was never opened out of the list."""
    return _unless_changed(gesture.leave_unread_out, batch_id)


@pages.post("/lots/<int:batch_id>/abandonner")
@guard(PERSON)
def give_up(batch_id: int) -> Response | tuple[str, int]:
    """Do nothing more of it."""
    return _unless_changed(gesture.give_up, batch_id)


@pages.post("/lots/<int:batch_id>/reprendre")
@guard(PERSON)
def take_back(batch_id: int) -> Response:
    """Take back what the batch has just done, and say which folders are not to be."""
    taken = taking_back.take_back(g.actor, batch_id)
    if taken.count:
        with reading(g.actor.collectivity_id) as db:
            kind = gesture.mine(db, g.actor, batch_id).kind
        single, many = UNDONE[kind]
        several = taken.count > 1
        flash(
            spaces(
                f"{taken.count} {many if several else single} : "
                f"{'ces dossiers vous attendent' if several else 'ce dossier vous attend'} de nouveau, "
                "aucun courriel n’est parti."
            ),
            "ok",
        )
    for sentence in taken.stayed[:TOLD]:
        flash(spaces(sentence), "warn")
    if len(taken.stayed) > TOLD:
        flash(f"{plural(len(taken.stayed) - TOLD, 'autre dossier')} de ce lot de même.", "warn")
    return _to(batch_id)


@pages.post("/lots/<int:batch_id>/cle")
@guard(SIGN)
def take_up(batch_id: int) -> Response:
    """Start the signature of a batch, or take it up: the page that asks holds it from now on, if its certificate may sign."""
    from app.batches.remote import key_of
    from app.batches.signatures import check

    offer = payload.body()
    key = (
        key_of(g.actor, payload.whole(offer, "key"))[1] if offer.get("provider") == "csc" else _key(offer)[0]
    )
    check(g.actor, key)
    return jsonify(holder=gesture.take_up(g.actor, batch_id, shown=gesture.Shown(_mark())))


@pages.post("/lots/<int:batch_id>/preparer")
@guard(SIGN)
def prepare(batch_id: int) -> Response:
    """What the key must sign of the next folders; none when the batch waits for nothing more."""
    from app.batches.signatures import prepare_next

    offer = payload.body()
    key, where = _key(offer)
    offers = prepare_next(g.actor, batch_id, str(offer.get("holder", "")), key)
    folders = [
        {
            "folder": offer.item_id,
            "session": offer.session,
            "items": [
                {"id": f"{offer.item_id}.{rank}", **where.question(prepared, key.certificate)}
                for rank, prepared in enumerate(offer.prepared)
            ],
        }
        for offer in offers
    ]
    return jsonify(folders=folders)


@pages.post("/lots/<int:batch_id>/signatures")
@guard(SIGN)
def receive(batch_id: int) -> Response:
    """Keep what the key made; the worker embeds it."""
    from app.batches.signatures import receive as keep

    folders = payload.body().get("folders")
    if not isinstance(folders, list) or len(folders) > LIMIT:
        raise Refusal("bad-request", detail="les signatures manquent")
    return jsonify(taken=keep(g.actor, batch_id, [_answer(entry) for entry in folders]))


@pages.post("/lots/<int:batch_id>/distance/preparer")
@guard(SIGN)
def gather(batch_id: int) -> Response:
    """Prepare the next folders, and what the trust service asks of its owner once one accord covers all that it can."""
    from app.batches.remote import gather as go_on

    offer = payload.body()
    batch = go_on(g.actor, batch_id, str(offer.get("holder", "")), payload.whole(offer, "key"))
    items = question_of(batch.accord)["items"] if batch.accord else []
    return jsonify(ready=batch.ready, over=batch.over, busy=batch.busy, items=items)


@pages.post("/lots/<int:batch_id>/distance/autoriser")
@guard(SIGN)
@limiter.limit(rate, key_func=whoever)
def authorise(batch_id: int) -> Response:
    """Pass the codes on; what the service signs is kept with its folders, and the worker embeds it."""
    from app.batches.remote import answer

    codes = payload.body()
    return jsonify(question_of(answer(g.actor, batch_id, str(codes.get("session", "")), **codes_of(codes))))


def _answer(entry: Any) -> "Answer":
    from app.batches.signatures import Answer, certificate_of
    from app.signing.keys import browser, webeid

    fields = entry if isinstance(entry, dict) else {}
    number, session, signatures = (
        fields.get("folder"),
        str(fields.get("session", "")),
        fields.get("signatures"),
    )
    if not isinstance(number, int) or not isinstance(signatures, list) or not signatures:
        raise Refusal("bad-request", detail="une signature manque")
    certificate, values = certificate_of(g.actor, session), []
    for signature in signatures:
        if not isinstance(signature, dict):
            raise Refusal("bad-request", detail="une signature manque")
        # A card says how it signed, a key opened in the page does as it is told
        card = "signatureAlgorithm" in signature
        values.append(
            webeid.read_signature(signature, certificate)
            if card
            else browser.read_signature(signature.get("signature"))
        )
    return Answer(number, session, values)


def _key(offer: dict[str, Any]) -> tuple["ExternalKey", Any]:
    """The key that the page offers, and the place that knows its questions."""
    from app.signing.keys import browser, webeid

    where = webeid if offer.get("provider") == "webeid" else browser
    return where.read_key(offer), where


def _mark() -> str:
    """What the page whose button it is had shown (`gesture.mark_of`); empty of who does not say, who is refused."""
    return request.args.get("marque", "")


def _unless_changed(verb: Callable[[Actor, int, str], None], batch_id: int) -> Response | tuple[str, int]:
    """Do this to a batch; where its page had shown another one, show it as it is."""
    try:
        verb(g.actor, batch_id, _mark())
    except Refusal as refusal:
        if refusal.key not in CHANGED:
            raise
        status, error = sentences.say(refusal.key, refusal.facts)
        return _page(batch_id, error, changed=True), status
    return _to(batch_id)


def _to(batch_id: int) -> Response:
    return redirect(url_for("batches.show", batch_id=batch_id))


def _page(batch_id: int, error: str | None = None, *, choosing: bool = False, changed: bool = False) -> str:
    with reading(g.actor.collectivity_id) as db:
        standing = progress.standing(db, g.actor, batch_id)
        retry = len(progress.again(db, g.actor, batch_id)) if standing.state == "ended" else 0
        deciding = standing.state in {"proposed", "interrupted"} or standing.awaits_key
        # What is handed on is decided by nobody yet
        warned = progress.warned(db, standing) if deciding and standing.kind != HAND else []
        handed = _handed(db, standing, choosing=choosing) if standing.kind == HAND else None
        certificates = enrol.certificates_of(db, g.actor.user_id) if standing.kind == SIGN else []
        mine = enrol.usable(certificates)
        meant = meanings(db, g.actor, standing) if deciding else []
        offer = taking_back.offered(db, g.actor, batch_id) if standing.state == "ended" else None
    whole = "tout" in request.args
    return render_template(
        "batches/show.html",
        batch=standing,
        title=_title(standing),
        retry=retry,
        warned=warned,
        meant=meant,
        error=error,
        changed=changed,
        undo=_undo(batch_id, standing.kind, offer) if offer else None,
        handed=handed,
        frequent=FREQUENT,
        certificate=described(mine[0]) if mine else None,
        lack=enrol.lack_of(certificates),
        remote=_remote(batch_id) if mine else None,
        done=standing.of("done") if whole else standing.of("done")[: progress.SHOWN],
        waiting=standing.of("waiting", "prepared", "signed")
        if whole
        else standing.of("waiting", "prepared", "signed")[: progress.SHOWN],
    )


def _handed(db: Db, standing: progress.Standing, *, choosing: bool) -> dict[str, Any]:
    """To which desk a batch hands its folders, and, while it is to be chosen, those that may have some of them."""
    desk = gesture.mine(db, g.actor, standing.id).desk
    choosing = standing.state == "proposed" and (choosing or not desk or "bureau" in request.args)
    offers = handing.receivers(db, g.actor, progress.to_hand(db, standing)) if choosing else []
    return {
        "desk": desk,
        "to": to_desk(standing.desk) if standing.desk else "",
        "choosing": choosing,
        "offers": [
            (offer.desk.key, offer.desk.slot.label, people_told(offer.desk.slot.people), offer.count)
            for offer in offers
        ],
        "most": max((offer.count for offer in offers), default=0),
    }


def _undo(batch_id: int, kind: str, offer: taking_back.Offer) -> UndoView:
    single, many = UNDO[kind]
    label = many.format(offer.count) if offer.count > 1 else single
    return UndoView(label, url_for("batches.take_back", batch_id=batch_id), None, offer.until)


def _remote(batch_id: int) -> dict[str, Any] | None:
    """The way to sign at the trust service, for whoever has a certificate there."""
    return at_distance(
        prepare=url_for("batches.gather", batch_id=batch_id),
        authorise=url_for("batches.authorise", batch_id=batch_id),
    )


def _title(standing: progress.Standing) -> str:
    """« Signer 37 dossiers », « Signature de 37 dossiers », « 35 dossiers signés sur 37 »."""
    if standing.state == "proposed":
        return f"{standing.verb} {progress.folders(standing.size)}"
    if standing.state == "ended":
        done = standing.count["done"]
        back = f", {past.taken_back(standing.kind, standing.back)}" if standing.back else ""
        return f"{progress.folders(done)} {standing.past}{'s' if done > 1 else ''} sur {standing.size}{back}"
    name = past.NAMES[standing.kind]
    participle = "interrompue" if standing.kind in {SIGN, HAND} else "interrompu"
    return f"{name} de {progress.folders(standing.size)}" + (
        f", {participle}" if standing.state == "interrupted" else ""
    )
