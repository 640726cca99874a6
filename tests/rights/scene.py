"""The people and folders of the rights matrix: two communes, one folder at each state of each family, one browser for each role."""

import io
import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from app.core.clock import PARIS, now, today
from app.core.db import reading
from app.folders import decide, sending
from app.operations.absences import planning
from app.people import applications, desks, persons
from app.people.login import revoke
from app.people.mandates import end_mandate
from app.people.models import LoginSession
from demo.cast import PASSWORD
from tests.builders.house import ACT, INVOICE, House, token_in
from tests.builders.mandates import DEPUTY, a_mayor_and_a_deputy, of_deputy, record
from tests.publication.town import a_masked_pdf
from tests.rights.looking import Answer, snapshot, twin
from workflows.vocabulary import Right

EVERY = (Right.CREATE, Right.ACT, Right.SIGN, Right.PUBLISH, Right.ARCHIVE, Right.REROUTE)
ABSENT = 987_654
AFTER_THE_END = {"kind": "add", "after": "handover", "desk": "direction"}
FOREIGN, ALONE, SECOND, CLOSED, TAKEN_BACK = "m.leroux", "admin.seul", "e.second", "y.ferme", "c.retire"
PASSER_BY, BOTH_COMMUNES = "p.ailleurs", "m.leroux-ici"
BOTH = ("invoice", "deliberation")
LATE = "d.fini"
"""Who sits at the mayor's desk with the right to sign, and whose delegation has ended; beside him the deputy, for acts alone."""
STANDS_IN = "i.interim"
"""Who holds no desk, and stands in for the head of finances and for the mayor, without any mandate."""
LOGINS = (
    "g.trehorel",
    "r.pellenec",
    "n.abgrallec",
    "t.lescoat",
    "a.kervadec",
    "b.cadiou",
    "s.rivoal",
    "k.morizur",
    ALONE,
    SECOND,
    TAKEN_BACK,
    FOREIGN,
    DEPUTY,
    LATE,
    STANDS_IN,
)
FOREIGNERS = (FOREIGN, PASSER_BY)
OUTSIDE = ("anonymous", "closed", "revoked")


def _user(
    collectivity: int,
    login: str,
    *seats: tuple[str, tuple[Right, ...]],
    administrator: bool = False,
    invited: bool = False,
) -> None:
    desks.create_user(
        collectivity,
        login,
        email=f"{login}@kerlann-sur-mer.example",
        first_name="Maël",
        last_name=login.rpartition(".")[2].title(),
        capacity="Agent",
        password=None if invited else PASSWORD,
        administrator=administrator,
    )
    for desk, rights in seats:
        desks.seat(collectivity, desk, login, rights)


@dataclass
class Scene:
    """What the matrix walks: `folders` by (family, state), `clients` and their form tokens by role, applications' tokens by name."""

    house: House
    folders: dict[tuple[str, str], int] = field(default_factory=dict)
    clients: dict[str, FlaskClient] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    bearers: dict[str, str] = field(default_factory=dict)
    _seen: dict[int, tuple[int, int]] = field(default_factory=dict)
    _absent: dict[tuple[str, str, str, bool], Answer] = field(default_factory=dict)

    @classmethod
    def of(cls, house: House) -> "Scene":
        """Everything, made by the verbs of the house."""
        scene = cls(house)
        scene._people()
        scene._invoices()
        scene._deliberations()
        scene._browsers()
        return scene

    def _people(self) -> None:
        here = self.house.actor("a.kervadec").collectivity_id
        _user(here, ALONE, administrator=True)
        _user(here, SECOND, ("comptabilite", (Right.ACT,)), ("secretariat", (Right.ACT, Right.PUBLISH)))
        _user(here, CLOSED, ("comptabilite", EVERY), ("technique", EVERY))
        _user(here, TAKEN_BACK, ("technique", EVERY), ("conseil", EVERY), ("maire", EVERY))
        _user(here, LATE, ("maire", (Right.ACT, Right.SIGN)))
        _user(here, STANDS_IN)
        self._absences()
        self._mandates()
        other = desks.create_collectivity(
            "219909997", "Autre-Ville", department="029", district="1", nature="31", settings={}
        )
        keys = ("maire", "direction", "secretariat", "finances", "comptabilite", "technique", "conseil")
        for key in keys:
            desks.create_desk(other, key, f"Bureau {key} d’Autre-Ville")
        _user(other, FOREIGN, *((key, EVERY) for key in keys), administrator=True)
        _user(other, PASSER_BY)
        for name, place, desk, rights in (
            ("depositor", here, "comptabilite", EVERY),
            ("reader", here, "comptabilite", ()),
            ("reached", here, "technique", EVERY),
            ("mayor", here, "maire", EVERY),
            ("elsewhere", here, "conseil", EVERY),
            ("closed", here, "comptabilite", EVERY),
            ("foreign", other, "comptabilite", EVERY),
            ("foreign_reader", other, "comptabilite", ()),
        ):
            self.bearers[name] = applications.create_application(place, f"Logiciel {name}", desk, rights)
        with reading(here) as db:
            (number,) = applications.numbers_of(db, here, "Logiciel closed")
        applications.close_application(here, number)

    def _absences(self) -> None:
        """Two people away for a week, whose desks somebody else has meanwhile."""
        cover = self.house.actor(STANDS_IN).user_id
        first, last = (now().astimezone(PARIS) + timedelta(days=one) for one in (-1, 7))
        for login in ("n.abgrallec", "a.kervadec"):
            absent = self.house.actor(login).user_id or 0
            typed = (f"{one:%Y-%m-%dT%H:%M}" for one in (first, last))
            planning.plan(self.house.actor("k.morizur"), planning.Wanted(absent, cover, *typed))

    def _mandates(self) -> None:
        """The mayor's, the deputy's for acts alone, one that has ended, and one whose holder left the mayor's desk."""
        house = self.house
        a_mayor_and_a_deputy(house, families=("deliberation",))
        over = of_deputy(house, families=BOTH, order_number="2026-040")
        late = record(house, replace(over, user_id=house.actor(LATE).user_id or 0, title="l’élu"))
        end_mandate(house.actor("k.morizur"), late, reason="Fin de ses fonctions")
        left = replace(over, user_id=house.actor(TAKEN_BACK).user_id or 0, title="le conseiller", rank=9)
        record(house, left)

    def _invoices(self) -> None:
        house, name = self.house, "invoice"
        walking = house.an_invoice(at="draft", path=INVOICE)
        self._keep(name, "draft", walking)
        sending.send(house.actor("g.trehorel"), walking, version=house.folder(walking).version)
        self._keep(name, "service_done", walking)
        given_up = self._keep(name, "withdrawn", self.folders[name, "draft"])
        decide.withdraw(house.actor("g.trehorel"), given_up, version=house.folder(given_up).version)
        house.approve(walking, "r.pellenec")
        self._keep(name, "finance", walking)
        back = self._keep(name, "recalled", walking)
        decide.recall(house.actor("g.trehorel"), back, version=house.folder(back).version)
        rejected = self._keep(name, "rejected", walking)
        decide.reject(
            house.actor("n.abgrallec"),
            rejected,
            version=house.folder(rejected).version,
            reason="Montant à vérifier",
        )
        house.approve(walking, "n.abgrallec")
        self._keep(name, "bon_a_payer", walking)
        house.sign(walking, "a.kervadec")
        self._keep(name, "handover", walking)
        house.drain()
        self.folders[name, "done"] = walking

    def _deliberations(self) -> None:
        house, name = self.house, "deliberation"
        walking = house.a_deliberation(at="draft", path=ACT)
        self._keep(name, "draft", walking)
        sending.send(house.actor("k.morizur"), walking, version=house.folder(walking).version)
        self._keep(name, "direction", walking)
        house.approve(walking, "s.rivoal")
        self._keep(name, "signatures", walking)
        rejected = self._keep(name, "rejected", walking)
        decide.reject(
            house.actor("a.kervadec"), rejected, version=house.folder(rejected).version, reason="Pas d’accord"
        )
        given_up = self._keep(name, "withdrawn", rejected)
        decide.withdraw(house.actor("k.morizur"), given_up, version=house.folder(given_up).version)
        house.sign(walking, "a.kervadec")
        self._keep(name, "half_signed", walking)
        house.sign(walking, "b.cadiou")
        self._keep(name, "prefecture", walking)
        house.drain()
        self._keep(name, "publication", walking)
        house.publish(walking)
        self.folders[name, "done"] = walking

    def _keep(self, family: str, state: str, walking: int) -> int:
        self.folders[family, state] = twin(walking)
        return self.folders[family, state]

    def _browsers(self) -> None:
        house = self.house
        for login in (*LOGINS, PASSER_BY, CLOSED):
            self.clients[login] = house.client(login)
            self.tokens[login] = house.csrf(self.clients[login])
        here = house.actor("a.kervadec").collectivity_id
        for desk in ("technique", "conseil", "maire"):
            desks.seat(here, desk, TAKEN_BACK, ())
        # Whoever is of the other commune alone on its pages enters this one too, where he may do everything at three desks
        _user(
            here,
            BOTH_COMMUNES,
            *((key, EVERY) for key in ("comptabilite", "technique", "secretariat")),
            invited=True,
        )
        link, _ = desks.first_link(here, BOTH_COMMUNES)
        persons.join(house.actor(FOREIGN), link)
        self.clients["closed"], self.tokens["closed"] = self.clients.pop(CLOSED), self.tokens.pop(CLOSED)
        desks.close_account(here, CLOSED)
        self.clients["revoked"] = house.client("g.trehorel")
        self.tokens["revoked"] = house.csrf(self.clients["revoked"])
        with reading() as db:
            last = db.scalars(sa.select(LoginSession).order_by(LoginSession.id.desc()).limit(1)).one()
        revoke(last.user_id, last.id)
        self.clients["anonymous"] = house.client()
        self.tokens["anonymous"] = token_in(self.clients["anonymous"].get("/login").get_data(as_text=True))

    # what a test asks

    def kept(self) -> dict[str, str]:
        """All that the installation keeps, to be compared before and after a refusal."""
        return snapshot(self.house.settings.data_dir)

    def call(
        self, role: str, endpoint: str, method: str, folder_id: int, *, json: bool = False, **where: int
    ) -> Any:
        """Ask a route as a role would, with a body that would be right if the role were."""
        url = self.url(endpoint, folder_id, **where)
        headers = {"Accept": "application/json"} if json else {}
        if endpoint == "signing.placing.planned":
            url = f"{url}?version={self.look(folder_id)[0]}"
        if method in {"GET", "HEAD", "OPTIONS"}:
            return self.clients[role].open(url, method=method, headers=headers)
        headers["X-CSRFToken"] = self.tokens[role]
        version = self.look(folder_id)[0]
        if endpoint == "signing.prepare":
            key = self.house.key({"b.cadiou": "b_cadiou", DEPUTY: "rsa3072"}.get(role, "a_kervadec"))
            body = {
                "version": version,
                "certificate": b64encode(key.certificate).decode(),
                "chain": [b64encode(one).decode() for one in key.chain],
            }
            return self.clients[role].open(url, method=method, json=body, headers=headers)
        if endpoint == "signing.complete":
            body = {"session": "personne", "signatures": [{"signature": "AAAA"}]}
            return self.clients[role].open(url, method=method, json=body, headers=headers)
        return self.clients[role].open(url, method=method, data=_form(endpoint, version), headers=headers)

    def absent(self, role: str, endpoint: str, method: str, *, json: bool, **where: int) -> Answer:
        """What a role is answered of a number never given: asked once, whatever the folders that are compared to it."""
        asked = (role, endpoint, method, json)
        if asked not in self._absent:
            self._absent[asked] = Answer.of(self.call(role, endpoint, method, ABSENT, json=json, **where))
        return self._absent[asked]

    def call_api(
        self,
        bearer: str | None,
        endpoint: str,
        method: str,
        folder_id: int,
        client: FlaskClient | None = None,
        **where: int,
    ) -> Any:
        """Ask a route of the API with an application's token, or with none."""
        headers = {"Authorization": f"Bearer {self.bearers.get(bearer, bearer)}"} if bearer else {}
        client, url = client or self.house.app.test_client(), self.url(endpoint, folder_id, **where)
        version = self.look(folder_id)[0]
        if method in {"GET", "HEAD"}:
            return client.open(url, method=method, headers=headers)
        verb = url.rpartition("/")[2]
        if verb == "documents":
            return client.open(
                url,
                method=method,
                data={"attachments": (io.BytesIO(ACT.read_bytes()), "annexe.pdf")},
                headers=headers,
            )
        if verb == "photo":
            delivery = {"version": version, "day": today().isoformat(), "quantities": {"0": "1"}}
            sent = {"delivery": json.dumps(delivery), "file": (io.BytesIO(ACT.read_bytes()), "bon.pdf")}
            return client.open(url, method=method, data=sent, headers=headers)
        if verb == "mandate":
            return client.open(url, method=method, json={"number": "2026-0471"}, headers=headers)
        if verb == "notes":
            return client.open(url, method=method, json={"words": "Lu.", "reach": "all"}, headers=headers)
        body = {
            "version": version,
            **({"reason": "Pièce manquante"} if verb in {"reject", "steps", "hand"} else {}),
            **({"desk": "maire"} if verb == "hand" else {}),
            **({"changes": [AFTER_THE_END]} if verb == "steps" else {}),
            **({"desks": ["comptabilite"], "question": "?", "waits": False} if verb == "opinions" else {}),
            **({"opinion": "favourable"} if verb == "answer" else {}),
            **({"day": today().isoformat(), "quantities": {"0": "1"}} if verb == "deliveries" else {}),
        }
        if verb == "continuations":
            body = {"family": "other", "documents": {str(self.look(folder_id)[1]): 1}}
        return client.open(url, method=method, json=body, headers=headers)

    def url(self, endpoint: str, folder_id: int, **where: int) -> str:
        """The address of a route for a folder, its main document unless another is named."""
        (rule,) = self.house.app.url_map.iter_rules(endpoint)
        values = {
            "folder_id": folder_id,
            "document_id": self.look(folder_id)[1],
            "number": 1,
            "rank": 1,
            "position": 1,
            "note_id": 1,
            "piece_id": 1,
            "other_id": ABSENT,
            "mark": "0" * 12,
            **where,
        }
        built = rule.build({name: value for name, value in values.items() if name in rule.arguments})
        assert built is not None
        return built[1]

    def look(self, folder_id: int) -> tuple[int, int]:
        """The version of a folder as it was first asked, and its main document; any number for a folder never given."""
        if folder_id == ABSENT:
            return 3, 1
        if folder_id not in self._seen:
            self._seen[folder_id] = (
                self.house.folder(folder_id).version,
                self.house.versions(folder_id)[0].document_id,
            )
        return self._seen[folder_id]


def routes(house: House, *, api: bool) -> list[tuple[str, str]]:
    """(endpoint, method) for every route that names a folder, read from the application itself."""

    def wanted(rule: Rule) -> bool:
        return "folder_id" in rule.arguments and rule.rule.startswith("/api/") is api

    rules = [rule for rule in house.app.url_map.iter_rules() if wanted(rule)]
    return sorted(
        (rule.endpoint, method) for rule in rules for method in (rule.methods or set()) - {"OPTIONS"}
    )


BESIDE: Mapping[str, Mapping[str, str]] = {
    "folders.add_note": {"words": "Lu.", "reach": "all"},
    "folders.ask_opinion": {"desks": "comptabilite", "question": "Qu’en pensez-vous ?", "waits": "no"},
    "folders.give_opinion": {"opinion": "favourable"},
    "folders.hand": {"desk": "maire"},
    "invoices.performed": {"day": today().isoformat(), "word": "Livrée ce jour."},
    "invoices.delay": {"day": today().isoformat(), "word": "Le bon de livraison manque."},
    "folders.relieve": {"part": "desk:direction", "desk": "maire"},
}


def _form(endpoint: str, version: int) -> Mapping[str, Any]:
    form: dict[str, Any] = {
        "version": str(version),
        "comment": "",
        "reason": "Pièce manquante",
        "means": "online",
        "published_on": today().isoformat(),
        "action": "save",
        "matter": "7.1",
        "about": "personne",
    }
    if endpoint in {"folders.add_document", "folders.replace_document"}:
        form["files"] = (io.BytesIO(ACT.read_bytes()), "annexe.pdf")
    if endpoint == "publication.mask":
        form |= {"public_title": "Aide à un particulier", "reason": "Un nom était resté lisible."}
        form["masked"] = (io.BytesIO(a_masked_pdf()), "occulte.pdf")
    form |= BESIDE.get(endpoint, {})
    if endpoint == "folders.coming":
        form |= {"do": "apply", "change": '{"kind": "add", "after": "publication", "desk": "secretariat"}'}
    if endpoint == "legality.appeal":
        form |= {"kind": "court", "who": "Une riveraine", "received_on": today().isoformat()}
    if endpoint == "legality.cancel":
        form["motive"] = "Mauvaise annexe"
    if endpoint == "signing.placing.sheet":
        form["places"] = "[]"
    if endpoint == "signing.paper.sheet":
        form |= {"name": "Armel Kervadec", "capacity": "Maire", "signed_on": today().isoformat()}
        form |= {"kept_at": "Registre", "scan": (io.BytesIO(ACT.read_bytes()), "scan.pdf")}
    return form
