"""Pages that judge signatures: any file, from anybody, kept by nobody."""

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from flask import Blueprint, Response, current_app, g, render_template, request, url_for
from werkzeug.datastructures import FileStorage

from app.core.clock import now
from app.core.french import instant, taille
from app.core.http import OWN, PERSON, PUBLIC, disposition, guard
from app.core.limits import limiter, whoever
from app.core.refusals import Refusal
from app.core.refusals import catalogue as sentences
from app.core.texts import cleaned
from app.trust import authorities
from app.verification import attestation, setting, sockets
from app.verification.attestation import Answer
from app.verification.continued import Continued, continued, in_page, last_continued, named, signed_version
from app.verification.examine import Examined, examine
from app.verification.slots import place
from app.verification.verdict import Verdict

pages = Blueprint("verification", __name__, template_folder="templates")
OPEN, SIGNED_IN = "verification.public", "verification.file"
ATTESTATIONS = {"verification.attest", "verification.attest_file"}
APART = {"verification.apart", "verification.apart_file"}
FORM_ROOM = 64 * 1024  # the fields around the files
ANSWER_ROOM = 1024 * 1024  # an answer given back: a hundred signatures take less


def verify_rate() -> str:
    """Files that one address may have judged."""
    return str(current_app.config["PARAPHE"].verify_rate)


@pages.url_value_preprocessor
def _limit(endpoint: str | None, _values: Any) -> None:
    """Refuse what is too large before its first byte is read; this runs before anything looks at the form."""
    limit, sent = setting.verifier()[0], request.content_length or 0
    if endpoint in {OPEN, SIGNED_IN} | APART:
        room = limit + FORM_ROOM + (ANSWER_ROOM if endpoint in APART else 0)
        request.max_content_length = room
        request.max_form_memory_size = ANSWER_ROOM
        if sent > room:
            raise Refusal("verify-too-large", limit=taille(limit))
    if endpoint in ATTESTATIONS:
        request.max_content_length = request.max_form_memory_size = ANSWER_ROOM
        if sent > ANSWER_ROOM:
            raise Refusal("answer-too-large", title="Ce n’est pas un verdict de cette page")


@pages.teardown_request
def _close(_error: BaseException | None) -> None:
    """Give the uploaded files' temporary copies back at once, whatever became of the request."""
    for upload in request.__dict__.get("files", {}).values():
        upload.close()


@pages.route("/verifier", methods=["GET", "POST"])
@guard(PUBLIC, body=OWN)
@limiter.limit(verify_rate, methods=["POST"])
def public() -> tuple[str, int]:
    """Anybody may have a signed file judged; nothing of it is kept."""
    return _page("verification/verifier_public.html")


@pages.route("/compte/verifier", methods=["GET", "POST"])
@guard(PERSON, body=OWN)
@limiter.limit(verify_rate, key_func=whoever, methods=["POST"])
def file() -> tuple[str, int]:
    """The same, for somebody who is logged in."""
    return _page("verification/verifier.html")


@dataclass(frozen=True)
class _Judged:
    """What was found in a file that was just sent; `signed`: the address of its signed version, when the page carries it."""

    answer: Answer
    examined: Examined
    more: Continued | None
    signed: str = ""


def _page(template: str) -> tuple[str, int]:
    limit = setting.verifier()[0]
    judged, error, status = None, None, 200
    if request.method == "POST":
        try:
            judged = _judge_upload()
        except Refusal as refusal:
            status, error = sentences.say(refusal.key, refusal.facts)
    context = {
        "limit": limit,
        "limit_label": taille(limit),
        "error": error,
        "sealed": sockets.sealed(_whose()),
    }
    if judged is not None:
        suffix = "" if g.get("actor") is None else "_file"
        context |= {
            "examined": judged.examined,
            "more": judged.more,
            "signed": judged.signed,
            "filename": judged.answer.name,
            "signed_name": named(judged.answer.name),
            "judged": instant(judged.answer.at),
            "answer": attestation.pack(judged.answer, _secret()),
            "attest_url": url_for(f"verification.attest{suffix}"),
            "apart_url": url_for(f"verification.apart{suffix}"),
        }
    return render_template(template, report=_data, **context), status


def _whose() -> sockets.Whose:
    actor = g.get("actor")
    return actor.collectivity_id if actor is not None else None


def _secret() -> str:
    return str(current_app.config["SECRET_KEY"])


def _judge_upload() -> _Judged:
    sent, beside = request.files.get("file"), request.files.get("content")
    if sent is None or not sent.filename:
        raise Refusal("no-file")
    actor = g.get("actor")
    with place(stranger=actor is None), TemporaryDirectory(prefix="paraphe-verify-") as room:
        path = _put(sent, Path(room) / "file")
        content = _put(beside, Path(room) / "content") if beside is not None and beside.filename else None
        moment = now()
        examined = examine(path, authorities.whom(), moment, content)
        answer = Answer(
            name=cleaned(sent.filename)[:200],
            sha256=_sha256(path),
            kind=examined.label,
            at=moment,
            house=f"Paraphe, {(actor and actor.collectivity_name) or current_app.config['PARAPHE'].public_url}",
            verdicts=examined.verdicts,
            content_sha256=_sha256(content) if content is not None else "",
        )
        more = continued(path, examined.verdicts)
        return _Judged(answer, examined, more, in_page(path, more.verdict) if more is not None else "")


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@pages.post("/verifier/verdict")
@guard(PUBLIC, body=OWN)
@limiter.limit(verify_rate)
def attest() -> Response:
    """The verdict that the page has just shown, as a PDF; the page gives it back, since nothing of it was kept here.

    A timestamp is bought: a stranger's verdict has its hour in words, and the seal over them.
    """
    return attestation_file(attestation.unpack(request.form.get("answer", ""), _secret()), None)


@pages.post("/compte/verifier/verdict")
@guard(PERSON, body=OWN)
@limiter.limit(verify_rate, key_func=whoever)
def attest_file() -> Response:
    """The same for somebody who is logged in, with the hour of the timestamp authority over the seal."""
    return attestation_file(attestation.unpack(request.form.get("answer", ""), _secret()), _whose())


@pages.post("/verifier/version-signee")
@guard(PUBLIC, body=OWN)
@limiter.limit(verify_rate)
def apart() -> Response:
    """The version that was signed of a file too large for the page to carry it: it is sent again, and kept no more."""
    return _apart()


@pages.post("/compte/verifier/version-signee")
@guard(PERSON, body=OWN)
@limiter.limit(verify_rate, key_func=whoever)
def apart_file() -> Response:
    """The same for somebody who is logged in."""
    return _apart()


def _apart() -> Response:
    answer = attestation.unpack(request.form.get("answer", ""), _secret())
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        raise Refusal("no-file")
    rank = last_continued(answer.verdicts)
    with TemporaryDirectory(prefix="paraphe-verify-") as room:
        path = _put(sent, Path(room) / "file")
        if not rank or _sha256(path) != answer.sha256:
            raise Refusal("signed-version-other-file")
        return signed_file(signed_version(path, answer.verdicts[rank - 1]), answer.name)


def signed_file(data: bytes, filename: str) -> Response:
    """The signed version of a file, to download under a name that says so; `filename`: that of the file."""
    response = Response(data, mimetype="application/pdf")
    response.headers["Content-Disposition"] = disposition(named(filename), download=True)
    return response


def attestation_file(answer: Answer, whose: sockets.Whose) -> Response:
    """The attestation of an answer, to download; refuses what `attestation.render` refuses."""
    data, sealed = attestation.render(answer, whose)
    response = Response(data, mimetype="application/pdf")
    name = "verdict.pdf" if sealed else "verdict-sans-cachet.pdf"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _put(sent: FileStorage, path: Path) -> Path:
    sent.save(path)
    return path


def _data(verdict: Verdict) -> str:
    """The report as an address of its own: nothing is kept here that could be fetched later."""
    return "data:application/xml;base64," + base64.b64encode((verdict.report or "").encode()).decode()
