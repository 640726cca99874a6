"""The demonstration's own pages: who may log in, the letters caught, and what the simulated Préfecture and Treasury received."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import sqlalchemy as sa
from flask import (
    Blueprint,
    Response,
    current_app,
    flash,
    redirect,
    render_template,
    request,
    send_file,
    url_for,
)
from werkzeug.wrappers import Response as BaseResponse

from app.channels.actes.exchanges import LETTERS
from app.channels.actes.naming import NUMBER
from app.channels.actes.simulated_office import SimulatedOffice
from app.core.db import reading
from app.core.http import PUBLIC, guard
from app.core.refusals import Refusal
from app.demo import mailbox
from app.demo.cast import EVERYBODY, PASSWORD, SIREN
from app.demo.pki import PASSPHRASE
from app.legality.clocks import KINDS
from app.people.models import Collectivity
from app.publication.models import PublicSite
from app.transmission.channels import open_channel

pages = Blueprint("demo", __name__, template_folder="templates", url_prefix="/demo")


def _home() -> Path:
    return Path(current_app.config["PARAPHE"].demo_dir)


@dataclass(frozen=True)
class AccountView:
    """An account as the page shows it."""

    name: str
    capacity: str
    login: str
    does: str
    p12_url: str | None


@pages.get("")
@guard(PUBLIC)
def home() -> str:
    """Who may log in, with what, and which file signs."""
    rows = [
        AccountView(
            f"{one.first_name} {one.last_name}",
            one.capacity,
            one.login,
            one.does,
            url_for("demo.p12", label=one.certificate) if one.certificate else None,
        )
        for one in EVERYBODY
    ]
    return render_template(
        "demo/home.html", accounts=rows, password=PASSWORD, p12_password=PASSPHRASE.decode(), slug=_slug()
    )


def _slug() -> str | None:
    """The address of the commune's public page, once an act was published."""
    query = (
        sa.select(PublicSite.slug)
        .join(Collectivity, Collectivity.id == PublicSite.collectivity_id)
        .where(Collectivity.siren == SIREN)
    )
    with reading() as db:
        return db.scalar(query)


@pages.get("/certificats/<label>.p12")
@guard(PUBLIC)
def p12(label: str) -> Response:
    """A person's test certificate; worth nothing outside this demonstration."""
    if label not in {one.certificate for one in EVERYBODY if one.certificate}:
        raise Refusal("not-found")
    return send_file(
        (_home() / "pki" / "p12" / f"{label}.p12").absolute(),
        as_attachment=True,
        download_name=f"{label}.p12",
    )


@pages.get("/courriels")
@guard(PUBLIC)
def mails() -> str:
    """The letters caught."""
    rows = [
        {**vars(one), "url": url_for("demo.mail", key=one.key)} for one in mailbox.mails(_home() / "mails")
    ]
    return render_template("demo/mails.html", mails=rows)


@pages.get("/courriels/<key>")
@guard(PUBLIC)
def mail(key: str) -> str:
    """One letter."""
    found = mailbox.mail(_home() / "mails", key)
    if found is None:
        raise Refusal("not-found")
    view = {**vars(found), "html_url": url_for("demo.mail_html", key=key) if found.html else None}
    return render_template("demo/mail.html", mail=view)


@pages.get("/courriels/<key>/html")
@guard(PUBLIC)
def mail_html(key: str) -> Response:
    """The HTML form of a letter, as text: a letter's own style is no page of ours."""
    found = mailbox.mail(_home() / "mails", key)
    if found is None:
        raise Refusal("not-found")
    return Response(found.html, mimetype="text/plain; charset=utf-8")


@pages.get("/prefecture")
@guard(PUBLIC)
def prefecture() -> str:
    """What the simulated Préfecture received, and what it answered."""
    return render_template(
        "demo/prefecture.html",
        deposits=_deposits(Path(current_app.config["PARAPHE"].actes_folder)),
        kinds=[(code, KINDS[code].label) for code in LETTERS],
    )


@pages.get("/tresorerie")
@guard(PUBLIC)
def treasury() -> str:
    """What the simulated Treasury received, and what it answered."""
    return render_template(
        "demo/treasury.html", flows=_flows(Path(current_app.config["PARAPHE"].helios_folder))
    )


def _flows(folder: Path) -> list[dict[str, Any]]:
    found = []
    for path in sorted(folder.glob("names/*/*.json"), key=lambda one: one.stat().st_mtime, reverse=True):
        record = json.loads(path.read_bytes())
        answered = folder / "answers" / f"{record['reference']}.xml"
        moment = answered.stat().st_mtime if answered.is_file() else None
        found.append(
            {
                "received_at": datetime.fromisoformat(record["accepted_at"]),
                "name": unquote(path.stem),
                "code": unquote(path.parent.name),
                "filename": record["filename"],
                "answered_at": datetime.fromtimestamp(moment, UTC) if moment else None,
            }
        )
    return found


@pages.post("/prefecture/courrier")
@guard(PUBLIC)
def write() -> BaseResponse:
    """Have the simulated Préfecture write about an act; the worker fetches it within a minute."""
    siren, number, code = (request.form.get(name, "") for name in ("siren", "number", "code"))
    if code not in LETTERS or not siren.isdigit() or not NUMBER.fullmatch(number):
        raise Refusal("bad-request", detail="l’acte ou le courrier n’est pas lisible")
    office: SimulatedOffice = open_channel("actes").office  # type: ignore[attr-defined]
    office.ask(siren, number, code)
    flash("Le courrier FACTICE partira au prochain relevé, dans la minute.", "ok")
    return redirect(url_for("demo.prefecture"))


def _deposits(folder: Path) -> list[dict[str, Any]]:
    found = []
    for path in sorted(folder.glob("numbers/*/*.json"), key=lambda one: one.stat().st_mtime, reverse=True):
        record = json.loads(path.read_bytes())
        answered = folder / "answers" / f"{record.get('reference', '')}" / "answer.json"
        found.append(
            {
                "received_at": datetime.fromtimestamp(path.stat().st_mtime, UTC),
                "envelope": record.get("archive", ""),
                "number": path.stem,
                "siren": path.parent.name,
                "subject": record.get("subject", ""),
                "identifier": record.get("identifier", ""),
                "answered_at": datetime.fromtimestamp(answered.stat().st_mtime, UTC)
                if answered.is_file()
                else None,
            }
        )
    return found
