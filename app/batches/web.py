"""Pages of batches: one page for the whole life of a batch, from its list to its results, and what its buttons post."""

from flask import Blueprint, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app.batches import gesture, progress, selection
from app.core.db import key_in, reading
from app.core.http import PERSON, guard
from app.core.refusals import Refusal
from app.core.refusals import catalogue as sentences

pages = Blueprint("batches", __name__, template_folder="templates")
FREQUENT = ("Pièce manquante", "Montant à vérifier", "Imputation", "Pas d’accord")


@pages.post("/lots")
@guard(PERSON)
def propose() -> Response:
    """Gather what was ticked, or everything that awaits this act, and show it before anything is done."""
    kind, family = request.form.get("kind", ""), request.form.get("family") or None
    with reading(g.actor.collectivity_id) as db:
        if old := key_in(request.form.get("again")):
            wanted = progress.again(db, g.actor, old)
        elif request.form.get("all") and kind in selection.STEPS:
            wanted = selection.everything(db, g.actor, kind, family)
        else:
            wanted = _ticked(request.form.getlist("d"))
    return _to(gesture.propose(g.actor, kind, wanted))


def _ticked(values: list[str]) -> dict[int, int]:
    """The folders ticked, by number, each with the version that the list showed; what is not of this form is refused."""
    found = {}
    for value in values[: selection.LIMIT + 1]:
        folder, _, version = value.partition("-")
        numbers = key_in(folder), key_in(version)
        if numbers[0] is None or numbers[1] is None:
            raise Refusal("bad-request", detail="un dossier coché n’est pas lisible")
        found[numbers[0]] = numbers[1]
    return found


@pages.get("/lots/<int:batch_id>")
@guard(PERSON)
def show(batch_id: int) -> str:
    """The list to confirm, the progress, or the results."""
    return _page(batch_id)


@pages.post("/lots/<int:batch_id>/commencer")
@guard(PERSON)
def start(batch_id: int) -> Response | tuple[str, int]:
    """Start it, or take it up where it stood."""
    reason = request.form.get("reason", "")
    try:
        gesture.take_up(g.actor, batch_id, reason)
    except Refusal as refusal:
        if refusal.key != "batch-reason-needed":
            raise
        status, error = sentences.say(refusal.key, refusal.facts)
        return _page(batch_id, error), status
    return _to(batch_id)


@pages.post("/lots/<int:batch_id>/retirer-non-lus")
@guard(PERSON)
def leave_unread_out(batch_id: int) -> Response:
    """Take what was never opened out of the list."""
    gesture.leave_unread_out(g.actor, batch_id)
    return _to(batch_id)


@pages.post("/lots/<int:batch_id>/abandonner")
@guard(PERSON)
def give_up(batch_id: int) -> Response:
    """Do nothing more of it."""
    gesture.give_up(g.actor, batch_id)
    return _to(batch_id)


def _to(batch_id: int) -> Response:
    return redirect(url_for("batches.show", batch_id=batch_id))


def _page(batch_id: int, error: str | None = None) -> str:
    with reading(g.actor.collectivity_id) as db:
        seen = progress.standing(db, g.actor, batch_id)
        retry = len(progress.again(db, g.actor, batch_id)) if seen.state == "ended" else 0
    whole = "tout" in request.args
    return render_template(
        "batches/show.html",
        batch=seen,
        title=_title(seen),
        retry=retry,
        error=error,
        frequent=FREQUENT,
        done=seen.of("done") if whole else seen.of("done")[: progress.SHOWN],
        waiting=seen.of("waiting", "prepared", "signed")
        if whole
        else seen.of("waiting", "prepared", "signed")[: progress.SHOWN],
    )


def _title(seen: progress.Standing) -> str:
    """« Signer 37 dossiers », « Signature de 37 dossiers », « 35 dossiers signés sur 37 »."""
    if seen.state == "proposed":
        return f"{seen.verb} {progress.folders(seen.size)}"
    if seen.state == "ended":
        done = seen.count["done"]
        return f"{progress.folders(done)} {seen.past}{'s' if done > 1 else ''} sur {seen.size}"
    name = {"approve": "Visa", "reject": "Rejet", "sign": "Signature"}[seen.kind]
    words = "interrompue" if seen.kind == "sign" else "interrompu"
    return f"{name} de {progress.folders(seen.size)}" + (f", {words}" if seen.state == "interrupted" else "")
