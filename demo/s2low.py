"""S2LOW's own addresses, answered byte for byte by the simulated Préfecture and Treasury: the real adapter runs against them.

It plays the relay operator: TLS with a client certificate, fields in ISO-8859-1, its texts, its XML, its JSON. Everything
comes from the simulators, marked FACTICE. A scenario makes it fail as a network or a server fails.
"""

import json
import logging
import socket
import ssl
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote
from xml.sax.saxutils import escape

from werkzeug.formparser import FormDataParser, MultiPartParser
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from app.channels import create_only
from app.channels.actes.channel import ActesChannel
from app.channels.actes.settings import ActesSettings
from app.channels.helios.acquit import read_acquit
from app.channels.helios.channel import HeliosChannel
from app.channels.helios.settings import HeliosSettings
from app.core.clock import now
from app.transmission.ports import Parcel, Rejected, Sender, Uncertain, Unreachable
from demo.pki import Serving
from demo.s2low_bytes import LATIN, as_json, as_text, parcel_file
from demo.s2low_letters import OfficeFace
from demo.treasury.simulator import SimulatedTreasury

LOGIN_PAGE: Final = b"<!DOCTYPE html>\n<html><head><title>S2LOW</title></head><body>Connexion</body></html>\n"
DONE: Final = frozenset({"lost", "broken", "empty"})
LED: Final = {"home": "/", "door": "/login.php?error=x"}
REFUSED: Final = "KO\nLa connexion n&#039;a pas pu ?tre ?tablie\n"
"""What release 6 says, under 200, to an account that it does not know."""
DUMP: Final = "<pre class='xdebug-var-dump' dir='ltr'>Exception</pre>"
"""What it says, under 200, of its own fault, out of production mode."""
TAKEN: Final = (
    "KO\nUn acte portant le même numéro interne existe déjà dans la base de données.\n"
    "Il faut peut-être ajouter un suffixe au numéro.\n"
)


@dataclass
class Scenario:
    """How it behaves from now on; `next` names what befalls the coming requests to a path, one after the other.

    `login`: the login page under 200. `outage`: HTTP 503. `cut`: the connection falls before anything is read. `lost`: it is
    read, done, and the connection falls before the answer. `empty`: it is done, and nothing is said under 200. `broken`: HTTP
    500 once it is done. `home`, `door`: it leads to `/` or to its login, as release 6 does without a right or an account.
    `archivist`: HTTP 400, for a list that asks for that role.
    Any other text is answered under 200. `scripted` holds the very bytes to answer to a path, whatever is asked. `always` befalls
    every request until it is emptied. Without `basic`, its web server hears no login and password (6.0.0, stock image): who
    gives some is refused as a stranger. `since`: the `min_date` of each list that was asked.
    """

    always: str = ""
    basic: bool = True
    next: dict[str, list[str]] = field(default_factory=dict)
    scripted: dict[str, bytes] = field(default_factory=dict)
    paths: list[str] = field(default_factory=list)
    since: list[str] = field(default_factory=list)

    def of(self, path: str) -> str:
        """What befalls this request."""
        self.paths.append(path)
        if self.always:
            return self.always
        waiting = self.next.get(path.rsplit("/", 1)[-1]) or self.next.get("*") or []
        return waiting.pop(0) if waiting else ""


class Operator(OfficeFace):
    """The WSGI application; `authority` is the one collectivity that its certificates belong to."""

    def __init__(self, actes: ActesSettings, helios: HeliosSettings, authority: Sender) -> None:
        super().__init__(actes, authority)
        self.helios = helios
        self.scenario = Scenario()

    @property
    def _treasury(self) -> SimulatedTreasury:
        return SimulatedTreasury(self.helios, now)

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Any:
        """Answer one request, or fall as the scenario says."""
        request = _Request(environ)
        fate = self.scenario.of(request.path)
        if request.authorization is not None and not self.scenario.basic:
            fate = REFUSED
        if fate == "cut":
            return _fall(environ)
        if fate and fate not in DONE:
            return _instead(fate)(environ, start)
        with request:
            scripted = self.scenario.scripted.get(request.path.rsplit("/", 1)[-1])
            answer = self._answer(request) if scripted is None else Response(scripted)
        if fate == "lost":
            return _fall(environ)
        answer = {"broken": Response("", 500), "empty": Response("")}.get(fate, answer)
        return answer(environ, start)

    def _answer(self, request: Request) -> Response:
        page = getattr(
            self, "_" + request.path.rsplit("/", 1)[-1].removesuffix(".php").replace("-", "_"), None
        )
        if page is None or not request.path.startswith(("/modules/", "/api/")):
            return Response("", 404)
        response: Response = page(request)
        return response

    def _test_connexion(self, request: Request) -> Response:
        del request
        return as_text("OK\nconnexion")

    # acts

    def _actes_transac_create(self, request: Request) -> Response:
        form, main = request.form, request.files.get("acte_pdf_file")
        annexes = request.files.getlist("acte_attachments[]")
        types = form.getlist("type_pj[]")
        if main is None:
            return as_text("KO\nLa taille totale des fichiers est trop importante\n")
        if "type_acte" not in form or len(types) != len(annexes):
            return as_text("KO\nLa typologie est absente")
        number = form.get("number", "")
        if self._record(number) is not None:
            return as_text(TAKEN)
        facts: dict[str, Any] = {
            "number": number,
            "decision_date": form.get("decision_date"),
            "subject": form.get("subject", ""),
            "nature": form.get("nature_code"),
            "matter": ".".join(form[f"classif{n}"] for n in range(1, 6) if f"classif{n}" in form),
            "paper": form.get("document_papier") == "1",
        }
        with tempfile.TemporaryDirectory() as room:
            files = [parcel_file(Path(room), "main", main, form["type_acte"])]
            files += [
                parcel_file(Path(room), "attachment", annex, code)
                for annex, code in zip(annexes, types, strict=True)
            ]
            parcel = Parcel(
                f"s2low-{number}",
                0,
                "",
                facts["subject"] or "",
                facts,
                tuple(files),
                self.authority,
                (),
                "",
                now(),
            )
            channel = ActesChannel(self.actes, self._prefecture, now)
            posted = {
                **facts,
                "posted": [file.filename for file in files],
                "types": [file.type_code for file in files],
            }
            try:
                package = channel.package(parcel, Path(room))
                create_only(self._posted_path(number), json.dumps(posted).encode())
                reference = channel.send(parcel, package)
            except Rejected as refused:
                return as_text(f"KO\n{refused.reason}")
            except Uncertain:
                # The simulator accepted and says nothing: so does the operator.
                return Response("", 504)
        return as_text(f"OK\n{reference}\n\n")

    def _actes_classification_fetch(self, request: Request) -> Response:
        del request
        return Response(self._prefecture.classification(self.authority.siren), mimetype="text/xml")

    def _actes_classification_request(self, request: Request) -> Response:
        del request
        return as_text("OK\n1\n")

    def _actes_transac_get_status(self, request: Request) -> Response:
        state = self._state(request.args.get("transaction", ""))
        if state is None:
            return as_text("KO\nNuméro de transaction invalide.")
        status, message = state
        return Response(
            f"OK\n{status}\n".encode() + (message or b""), content_type=f"text/plain; charset={LATIN}"
        )

    def _actes_transac_get_ARActe(self, request: Request) -> Response:  # noqa: N802 - S2LOW's own name
        state = self._state(request.args.get("id", ""))
        if state is None or state[0] != 4 or state[1] is None:
            return Response("", 302, {"Location": "/modules/actes/index.php"})
        return Response(state[1], mimetype="text/xml")

    def _list_actes(self, request: Request) -> Response:
        wanted = int(request.args.get("status_id", "0"))
        listed = []
        for path in sorted(self.actes.folder.glob(f"numbers/{self.authority.siren}/*.json")):
            record = json.loads(path.read_bytes())
            posted = json.loads(self._posted_path(path.stem).read_bytes())
            state = self._state(str(record["reference"]))
            if state is not None and state[0] == wanted:
                listed.append(
                    {
                        "id": record["reference"],
                        "subject": posted["subject"],
                        "number": path.stem,
                        "date": posted["decision_date"],
                        "nature_descr": "",
                        "classification": posted["matter"],
                        "type": "1",
                    }
                )
        if "min_date" in request.args:
            listed = [entry for row in listed for entry in (row, row)]  # a row for each step of its history
        return self._listed(request, wanted, listed)

    def _actes_transac_get_files_list(self, request: Request) -> Response:
        reference = request.args.get("transaction", "")
        state = self._state(reference)
        if state is None or state[0] in {1, 2, 3}:
            return as_text("KO\nPas d'acquittement recu")
        posted = self._posted(reference)
        rows = [{"id": f"{reference}0", "name": "message.xml", "posted_filename": "", "code_pj": ""}]
        rows += [
            {"id": f"{reference}{rank}", "name": name, "posted_filename": name, "code_pj": code}
            for rank, (name, code) in enumerate(zip(posted["posted"], posted["types"], strict=True), 1)
        ]
        return as_json(rows)

    def _record(self, number: str) -> Any:
        path = self.actes.folder / "numbers" / self.authority.siren / f"{number}.json"
        return path if path.exists() else None

    # flows

    def _helios_importer_fichier(self, request: Request) -> Response:
        sent = request.files.get("enveloppe")
        if sent is None:
            return _import("", "KO", "Echec lors du téléchargement du fichier")
        with tempfile.TemporaryDirectory() as room:
            file = parcel_file(Path(room), "main", sent, None)
            if any(flow["sha256"] == file.sha256 for _, flow in self._flows()):
                return _import("", "KO", "doublon détecté. Ce fichier a déjà été posté")
            # The operator names its own parcel; what tells the sender's is the name that he gave to the file.
            parcel = Parcel(file.sha256, 0, "pes", "", {}, (file,), self.authority, (), "", now())
            channel = HeliosChannel(self.helios, _NamedTreasury(self._treasury, str(sent.filename)), now)
            try:
                reference = channel.send(parcel, channel.package(parcel, Path(room)))
            except Rejected as refused:
                return _import("", "KO", refused.reason)
            except Uncertain:
                return Response("", 504)
        return _import(reference, "OK", "import")

    def _helios_transac_get_status(self, request: Request) -> Response:
        reference = request.args.get("transaction", "")
        status = self._flow_state(reference)
        if status is None:
            return _xml(
                "transaction",
                id=reference,
                resultat="KO",
                status="",
                message="Numéro de transaction invalide",
            )
        labels = {3: "Transmis", 4: "Acquittement", 8: "Information disponible"}
        return _xml(
            "transaction", id=reference, resultat="OK", status=str(status), message=labels.get(status, "")
        )

    def _helios_download_acquit(self, request: Request) -> Response:
        reference = request.args.get("id", "")
        if self._flow_state(reference) not in {4, 8}:
            return Response("", 302, {"Location": "/modules/helios/index.php"})
        reply = self._treasury.poll(self.authority, reference)
        return _file(reply.acquit or b"", str(reply.filename))

    def _helios_download_file(self, request: Request) -> Response:
        for _, record in self._flows():
            if str(record["reference"]) == request.args.get("id"):
                flow = self.helios.folder / "flows" / f"{record['sha256']}.xml"
                return _file(flow.read_bytes(), record["filename"])
        return Response("", 302, {"Location": "/modules/helios/index.php"})

    def _list_pes_aller(self, request: Request) -> Response:
        wanted = int(request.args.get("status_id", "0"))
        references = sorted(int(flow["reference"]) for _, flow in self._flows())
        rows = [{"id": reference} for reference in references if self._flow_state(str(reference)) == wanted]
        return self._listed(request, wanted, rows)

    def _helios_get_list(self, request: Request) -> Response:
        del request
        head = {"idColl": "1", "dateDemande": f"{now():%Y-%m-%d %H:%M:%S}", "resultat": "OK", "message": ""}
        rows = [
            {"id": entry.reference, "nom": entry.name, "date": entry.date}
            for entry in self._treasury.returns(self.authority)
        ]
        return _xml("liste", rows, "pes_retour", **head)

    def _helios_get_retour(self, request: Request) -> Response:
        reference = request.args.get("id", "")
        try:
            raw = self._treasury.returned(self.authority, reference)
        except Unreachable:
            return _xml("get_retour", id=reference, resultat="KO", message="retour id n'est pas correcte")
        return _file(raw, f"PES_RETOUR_{reference}.xml")

    def _helios_change_status(self, request: Request) -> Response:
        reference = request.args.get("id", "")
        try:
            self._treasury.return_taken(self.authority, reference)
        except Unreachable:
            return _xml("change", id=reference, resultat="KO", message="retour id n'est pas correcte")
        return _xml("change", id=reference, resultat="OK", message="")

    def _flow_state(self, reference: str) -> int | None:
        try:
            reply = self._treasury.poll(self.authority, reference)
        except LookupError:
            return None
        if self.stage is not None:
            return self.stage
        acquit = read_acquit(reply.acquit) if reply.acquit else None
        if acquit is None:
            return 3
        return 8 if acquit.refused else 4

    def _flows(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for path in sorted(self.helios.folder.glob("names/*/*.json")):
            yield unquote(path.stem), json.loads(path.read_bytes())

    def _listed(self, request: Request, status: int, rows: list[dict[str, Any]]) -> Response:
        self.scenario.since.append(request.args.get("min_date", ""))
        offset, limit = int(request.args.get("offset", "0")), int(request.args.get("limit", "100"))
        page = {"status_id": status, "authority_id": 1, "offset": offset, "limit": limit}
        return as_json({**page, "transactions": rows[offset : offset + limit]})


def _instead(fate: str) -> Response:
    """What is answered in place of what was asked."""
    if fate == "login":
        return Response(LOGIN_PAGE, mimetype="text/html")
    if fate == "outage":
        return Response("", 503)
    if fate == "archivist":
        return Response('{"error":"L\'utilisateur n\'est pas archiviste"}', 400, mimetype="application/json")
    if fate in LED:
        return Response("", 302, {"Location": LED[fate]})
    return as_text(fate)


class _NamedTreasury(SimulatedTreasury):
    """The same Treasury, which remembers a flow under the name that its sender gave to the operator."""

    def __init__(self, real: SimulatedTreasury, filename: str) -> None:
        super().__init__(real._settings, real._clock)  # noqa: SLF001 - it is the same class
        self._filename = filename

    def send(self, deposit: Any, file: Path) -> str:
        """Deposit under that name."""
        from dataclasses import replace

        return super().send(replace(deposit, filename=self._filename), file)


class _Parts(MultiPartParser):
    """Fields are in ISO-8859-1, whatever the part says: so reads S2LOW."""

    def get_part_charset(self, headers: Any) -> str:
        """The charset of a field."""
        del headers
        return LATIN


class _Form(FormDataParser):
    """The parser of a form whose fields are in ISO-8859-1."""

    def _parse_multipart(self, stream: Any, mimetype: str, content_length: int | None, options: Any) -> Any:
        del mimetype
        form, files = _Parts(self.stream_factory, cls=self.cls).parse(
            stream, options.get("boundary", "").encode("ascii"), content_length
        )
        return stream, form, files


class _Request(Request):
    form_data_parser_class = _Form


def serve(operator: Operator, port: int, certificate: Path, clients_ca: Path) -> Serving:
    """Answer on 127.0.0.1 over TLS; a client without a certificate of `clients_ca` is not spoken to."""

    class Quiet(WSGIRequestHandler):
        def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002, ARG002 - the names are werkzeug's
            logging.getLogger(__name__).debug(message, *args)

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.load_verify_locations(clients_ca)
    context.verify_mode = ssl.CERT_REQUIRED
    server = make_server(
        "127.0.0.1", port, operator, threaded=True, request_handler=Quiet, ssl_context=context
    )
    return Serving(server)


def _fall(environ: Mapping[str, Any]) -> list[bytes]:
    """Cut the connexion without a word."""
    try:
        environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    except OSError:
        logging.getLogger(__name__).debug("already cut")
    raise ConnectionError("cut by the scenario")


def _file(content: bytes, name: str) -> Response:
    shown = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, mimetype="text/xml", headers=shown)


def _import(reference: str, result: str, message: str) -> Response:
    return _xml("import", id=reference, resultat=result, message=message)


def _xml(root: str, rows: Sequence[Mapping[str, str]] = (), row: str = "", **attributes: str) -> Response:
    lines = _lines(attributes, "  ")
    for cells in rows:
        lines += [f"  <{row}>", *_lines(cells, "    "), f"  </{row}>"]
    body = "\n".join([f'<?xml version="1.0"?>\n<{root}>', *lines, f"</{root}>\n"])
    return Response(body.encode(), mimetype="text/xml")


def _lines(attributes: Mapping[str, str], margin: str) -> list[str]:
    return [
        f"{margin}<{name}>{escape(value)}</{name}>" if value else f"{margin}<{name}/>"
        for name, value in attributes.items()
    ]
