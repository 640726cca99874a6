"""Each refused signature leaves a line in its folder's journal and one in the security log, with its reason and address.

The table is that of the checks before an outside signature is embedded: session, certificate, signature, document, hour.
"""

import json
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from app.core.db import engine, reading
from app.core.outbox import Outbox
from app.files import vault
from app.folders import decide
from app.journal import origins
from app.journal.chain import verify
from app.journal.models import JournalEntry
from app.signing import enrol, refused
from app.trust.certificates import facts
from tests.batches.town import plain
from tests.builders.authority import authority_in_advance
from tests.builders.house import House
from tests.builders.levels import declare
from tests.builders.settings import take_settings
from tests.cluster import free_port
from tests.signing.test_rights_lost import A, B, _desk, finish, prepared

pytestmark = pytest.mark.in_turn

HERE = "127.0.0.1"


@dataclass
class Scene:
    """A folder that waits for the mayor, the browsers of those who try, and what the error output said."""

    house: House
    capsys: pytest.CaptureFixture[str]
    monkeypatch: pytest.MonkeyPatch
    folder_id: int = 0
    clients: dict[str, FlaskClient] = field(default_factory=dict)

    def client(self, name: str, login: str = A) -> FlaskClient:
        return self.clients.setdefault(name, self.house.client(login))

    def offer(self, label: str, **more: Any) -> Any:
        """The first click, with any certificate of the test authority."""
        client = self.client("mayor")
        body = {
            "version": self.house.folder(self.folder_id).version,
            "certificate": b64encode(self.house.pki.certificate(label)).decode(),
            "chain": [b64encode(one).decode() for one in self.house.pki.chain(label)],
            **more,
        }
        headers = {"X-CSRFToken": self.house.csrf(client)}
        return client.post(f"/dossiers/{self.folder_id}/signature/preparer", json=body, headers=headers)

    def finish(self, change: Callable[[dict[str, Any]], dict[str, Any]], who: str = "mayor") -> Any:
        """Both clicks, the second one with another body or from another browser."""
        body, _ = prepared(self.house, self.client("mayor"), self.folder_id)
        client = self.client(who, B if who == "clerk" else A)
        return finish(client, self.folder_id, change(body), self.house.csrf(client))

    def finish_again(self, body: dict[str, Any]) -> Any:
        """The second click alone, of what was prepared before."""
        client = self.client("mayor")
        return finish(client, self.folder_id, body, self.house.csrf(client))

    def lines(self) -> list[dict[str, Any]]:
        """What the folder's journal holds of refused signatures."""
        with reading() as db:
            query = sa.select(JournalEntry).where(
                JournalEntry.folder_id == self.folder_id, JournalEntry.event == "signature.refused"
            )
            told = origins.as_read(db, db.scalars(query).all())
            return [{"who": one.who, **facts} for one, facts in told]

    def logged(self) -> list[dict[str, Any]]:
        """The lines of the security log about signatures since the last look: one JSON object each."""
        security = [one for one in self.capsys.readouterr().err.splitlines() if '"kind": "security"' in one]
        return [line for line in map(json.loads, security) if line["event"].startswith("signature.")]


@pytest.fixture
def scene(
    house: House, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Scene]:
    made = Scene(house, capsys, monkeypatch)
    made.folder_id = house.an_invoice(at="bon_a_payer")
    yield made
    take_settings(house.settings)


def _written(scene: Scene, label: str) -> Any:
    """With a certificate that may not sign, though it was written to the mayor's name."""
    actor, der = scene.house.actor(A), scene.house.pki.certificate(label)
    enrol.enrol(actor, actor.user_id or 0, facts(der), der)
    return scene.offer(label)


def _out_of_dates(scene: Scene) -> Any:
    """What the page tells of a file that it does not let sign; of one within its dates nothing is written."""
    client, pki = scene.client("mayor"), scene.house.pki
    headers = {"X-CSRFToken": scene.house.csrf(client)}
    address = f"/compte/certificats/hors-dates?phase=prepare&folder_id={scene.folder_id}"
    for label in ("a_kervadec", "expired"):
        body = {"certificate": b64encode(pki.certificate(label)).decode(), "chain": []}
        answer = client.post(address, json=body, headers=headers)
        assert answer.status_code == (200 if label == "a_kervadec" else 403)
    return answer


def _too_low(scene: Scene) -> Any:
    declare(scene.monkeypatch, "invoice", minimum_signature="advanced_qualified")
    return scene.offer("a_kervadec")


def _old_page(scene: Scene) -> Any:
    client = scene.client("mayor")
    key = scene.house.key("a_kervadec")
    body = {"version": 1, "certificate": b64encode(key.certificate).decode(), "chain": []}
    headers = {"X-CSRFToken": scene.house.csrf(client)}
    return client.post(f"/dossiers/{scene.folder_id}/signature/preparer", json=body, headers=headers)


def _expired(scene: Scene) -> Any:
    def age(body: dict[str, Any]) -> dict[str, Any]:
        with engine().begin() as connection:
            connection.execute(sa.text("UPDATE signature_session SET expires_at = '2026-01-01 00:00:00'"))
        return body

    return scene.finish(age)


def _replayed(scene: Scene) -> Any:
    body, token = prepared(scene.house, scene.client("mayor"), scene.folder_id)
    for _ in range(2):
        answer = finish(scene.client("mayor"), scene.folder_id, body, token)
    return answer


def _foreign_key(scene: Scene) -> Any:
    def forge(body: dict[str, Any]) -> dict[str, Any]:
        made = b64encode(scene.house.key("b_cadiou").sign(b"whatever")).decode()
        return {**body, "signatures": [{"id": "main", "signature": made}]}

    return scene.finish(forge)


def _rubbish(scene: Scene) -> Any:
    return scene.finish(lambda body: {**body, "signatures": [{"id": "main", "signature": "…"}]})


def _changed(scene: Scene) -> Any:
    """Other bytes under the name of the copy that was prepared."""

    def touch(body: dict[str, Any]) -> dict[str, Any]:
        here = scene.house.actor(A).collectivity_id
        other = vault.store().put_bytes(
            vault.waiting(here), scene.house.bytes_of(scene.house.versions(scene.folder_id)[-1])
        )
        with engine().begin() as connection:
            connection.execute(
                sa.text("UPDATE signature_session SET prepared_sha256 = :other"), {"other": other.sha256}
            )
        return body

    return scene.finish(touch)


def _silent(scene: Scene) -> Any:
    def cut(body: dict[str, Any]) -> dict[str, Any]:
        dead = {"tsa_url": f"http://{HERE}:{free_port()}/tsa", "network_timeout": 1.0}
        take_settings(scene.house.settings.model_copy(update=dead))
        return body

    return scene.finish(cut)


def _wrong_clock(scene: Scene) -> Any:
    with authority_in_advance(scene.house.pki, timedelta(days=365)) as url:

        def ahead(body: dict[str, Any]) -> dict[str, Any]:
            take_settings(scene.house.settings.model_copy(update={"tsa_url": url}))
            return body

        return scene.finish(ahead)


def _right_lost(scene: Scene) -> Any:
    def lose(body: dict[str, Any]) -> dict[str, Any]:
        _desk(scene.house)
        return body

    return scene.finish(lose)


TABLE: dict[str, tuple[Callable[[Scene], Any], str, str]] = {
    "somebody else's certificate": (lambda s: s.offer("b_cadiou"), "certificate-not-enrolled", "prepare"),
    "to log in only": (lambda s: _written(s, "auth_only"), "certificate-authentication-only", "prepare"),
    "expired, which the page stops": (_out_of_dates, "certificate-expired", "prepare"),
    "not yet valid": (lambda s: _written(s, "future"), "certificate-not-yet-valid", "prepare"),
    "revoked, and enrolled to nobody": (lambda s: s.offer("revoked"), "certificate-revoked", "prepare"),
    "unknown authority": (lambda s: _written(s, "foreign_root"), "certificate-issuer-unknown", "prepare"),
    "weak key": (lambda s: _written(s, "weak"), "key-weak", "prepare"),
    "level too low": (_too_low, "assurance-too-low", "prepare"),
    "another page": (_old_page, "moved-on", "prepare"),
    "another person's session": (lambda s: s.finish(lambda b: b, "clerk"), "not-found", "complete"),
    "another browser's session": (lambda s: s.finish(lambda b: b, "other"), "session-used", "complete"),
    "session expired": (_expired, "session-used", "complete"),
    "session replayed": (_replayed, "session-used", "complete"),
    "foreign key": (_foreign_key, "signature-not-yours", "complete"),
    "rubbish": (_rubbish, "browser-answer-invalid", "complete"),
    "document changed": (_changed, "prepared-file-changed", "complete"),
    "silent timestamp": (_silent, "timestamp-silent", "complete"),
    "timestamp of another year": (_wrong_clock, "timestamp-wrong-clock", "complete"),
    "right lost": (_right_lost, "not-your-turn", "complete"),
}


@pytest.mark.parametrize("case", TABLE, ids=lambda name: name.replace(" ", "-"))
def test_each_reason_leaves_its_line_in_the_journal_and_in_the_security_log(scene: Scene, case: str) -> None:
    attempt, key, phase = TABLE[case]
    scene.logged()
    answer = attempt(scene)
    assert answer.get_json()["key"] == key
    (line,) = scene.lines()
    assert (line["reason"], line["phase"], line["address"]) == (key, phase, HERE)
    assert line["words"]
    assert not line["words"].startswith("Rien n’a été signé")
    (logged,) = scene.logged()
    assert (logged["event"], logged["reason"], logged["folder"]) == (
        "signature.refused",
        key,
        scene.folder_id,
    )
    assert {"at", "level", "user", "collectivity", "address", "phase"} <= set(logged)
    with reading() as db:
        assert verify(db, scene.house.actor(A).collectivity_id)[1] is None
    page = scene.house.client("n.abgrallec").get(f"/dossiers/{scene.folder_id}?onglet=journal")
    assert "Signature refusée à" in page.get_data(as_text=True)
    assert '<li class="ko">' in page.get_data(as_text=True), "a refusal is not shown as something done"


def test_a_page_that_signs_a_folder_that_moved_is_told_who_did_what_to_it(scene: Scene) -> None:
    mayor, title = scene.house.actor(A), scene.house.folder(scene.folder_id).title
    version = scene.house.folder(scene.folder_id).version
    body, _ = prepared(scene.house, scene.client("mayor"), scene.folder_id)
    decide.reject(mayor, scene.folder_id, version=version, reason="Montant à vérifier")
    for answer in (_old_page(scene), scene.finish_again(body)):
        told = answer.get_json()
        assert (answer.status_code, told["key"]) == (409, "moved-on")
        assert plain(told["detail"]).startswith(f"Rien n’a été signé : vous avez rejeté « {title} » à ")


def test_who_signed_by_another_page_is_not_told_that_nothing_was_signed(scene: Scene) -> None:
    title = scene.house.folder(scene.folder_id).title
    body, _ = prepared(scene.house, scene.client("mayor"), scene.folder_id)
    scene.house.sign(scene.folder_id, A, "a_kervadec")
    told = plain(scene.finish_again(body).get_json()["detail"])
    assert told.startswith(f"Rien de plus n’a été signé : vous avez signé « {title} » à ")


def test_the_journal_has_none_of_the_words_that_somebody_says_his_page_showed(scene: Scene) -> None:
    told = scene.offer(
        "a_kervadec", shown={"capacity": "Vu et approuvé par le préfet", "absent": ""}
    ).get_json()
    assert told["key"] == "mandate-changed"
    assert "Vu et approuvé par le préfet" in told["detail"]
    (line,) = scene.lines()
    assert "préfet" not in line["words"]
    assert "ont changé depuis la page" in line["words"]


def test_what_is_told_is_who_tried_and_never_what_was_typed(scene: Scene) -> None:
    scene.finish(lambda body: body, "clerk")
    (line,) = scene.lines()
    assert line["who"] == "Bleuenn Cadiou"
    session = scene.logged()[0]["session"]
    assert len(session) == 16  # its short name, which opens nothing
    with engine().connect() as connection:
        whole = connection.execute(sa.text("SELECT id FROM signature_session")).scalar_one()
    assert whole not in json.dumps(line)


def test_a_folder_of_another_commune_gets_no_line_of_ours(scene: Scene) -> None:
    scene.offer("a_kervadec")
    client = scene.client("mayor")
    headers = {"X-CSRFToken": scene.house.csrf(client)}
    body = {"version": 1, "certificate": b64encode(scene.house.key("a_kervadec").certificate).decode()}
    answer = client.post("/dossiers/999999/signature/preparer", json=body, headers=headers)
    assert answer.status_code in {403, 404}
    with reading() as db:
        query = sa.select(JournalEntry.folder_id).where(JournalEntry.event == "signature.refused")
        assert list(db.scalars(query)) == [None]  # told of the person, about no folder


def test_a_flood_is_counted_and_not_written_line_by_line(scene: Scene) -> None:
    for _ in range(refused.MOST_LINES + 7):
        assert scene.offer("b_cadiou").status_code == 403
    assert len(scene.lines()) == refused.MOST_LINES
    with engine().begin() as connection:
        assert connection.execute(sa.text("SELECT unwritten FROM refusal_tally")).scalar_one() == 7
        connection.execute(sa.text("UPDATE refusal_tally SET minute_at = '2026-01-01 00:00:00'"))
    scene.offer("b_cadiou")
    assert scene.lines()[-1]["unwritten"] == 7


def test_the_rest_of_a_flood_is_told_though_no_refusal_comes_after_it(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(refused.MOST_LINES + 7):
        scene.offer("b_cadiou")
    refused.lapsed()
    assert "signature.refused_counted" not in capsys.readouterr().err  # the minute is not over
    with engine().begin() as connection:
        connection.execute(sa.text("UPDATE refusal_tally SET minute_at = '2026-01-01 00:00:00'"))
    refused.lapsed()
    refused.count_left(scene.house.actor("k.morizur").collectivity_id)  # said once
    assert capsys.readouterr().err.count('"event": "signature.refused_counted"') == 1
    with reading() as db:
        query = sa.select(JournalEntry).where(JournalEntry.event == "signature.refused_counted")
        (line,) = db.scalars(query)
        assert json.loads(line.facts) == {"unwritten": 7}
    scene.offer("b_cadiou")
    assert "unwritten" not in scene.lines()[-1]


def test_repeated_refusals_are_told_once_to_the_administrators_and_to_the_person(scene: Scene) -> None:
    for _ in range(scene.house.settings.refusals_alert - 1):
        scene.offer("b_cadiou")

    def told() -> list[str]:
        with reading() as db:
            query = sa.select(Outbox.recipient).where(Outbox.key.startswith("signatures_refused-"))
            return sorted(one or "" for one in db.scalars(query))

    assert told() == []
    scene.logged()
    for _ in range(4):
        scene.offer("b_cadiou")
    with reading() as db:
        people = sa.text("SELECT email FROM user_account WHERE administrator OR login = 'a.kervadec'")
        assert told() == sorted(db.scalars(people))
    assert [one["event"] for one in scene.logged()].count("signature.refused_often") == 1
    scene.house.drain()
    texts = [" ".join(one.get_body(("plain",)).get_content().split()) for one in scene.house.mail.letters]
    assert any("depuis le compte « Armel Kervadec »" in one for one in texts)
    assert any("demandées depuis votre compte" in one for one in texts)


def test_rubbish_sent_first_does_not_hide_a_foreign_certificate(scene: Scene) -> None:
    for _ in range(refused.MOST_LINES + 5):
        refused.note(
            scene.house.actor(A),
            refused.RefusedAttempt("complete", "browser-answer-invalid", "x", scene.folder_id),
        )
    scene.logged()
    scene.offer("b_cadiou")
    assert scene.lines()[-1]["reason"] == "certificate-not-enrolled"
    assert [one["reason"] for one in scene.logged() if one["event"] == "signature.refused"] == [
        "certificate-not-enrolled"
    ]


def test_a_signature_that_never_comes_back_is_abandoned_and_its_folder_says_so(scene: Scene) -> None:
    body, token = prepared(scene.house, scene.client("mayor"), scene.folder_id)
    refused.lapsed()
    assert "signature.abandoned" not in scene.house.journal(scene.folder_id)
    with engine().begin() as connection:
        connection.execute(sa.text("UPDATE signature_session SET expires_at = '2026-01-01 00:00:00'"))
    scene.logged()
    refused.lapsed()
    assert refused.lapse(scene.house.actor(A).collectivity_id) == 0  # told once
    assert scene.house.journal(scene.folder_id).count("signature.abandoned") == 1
    (logged,) = scene.logged()
    assert (logged["event"], logged["folder"]) == ("signature.abandoned", scene.folder_id)
    assert logged["address"] == HERE, "from where it was prepared"
    late = finish(scene.client("mayor"), scene.folder_id, body, token)
    assert late.get_json()["key"] == "session-used"
