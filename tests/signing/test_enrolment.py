"""Whose certificate it is: the key proves it, one person has it, the name is his or an administrator says so; all are told."""

import html
import re
from base64 import b64decode, b64encode
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from app.core import schema
from app.core.db import engine, reading
from app.core.outbox import Outbox
from app.core.refusals import Refusal
from app.journal import origins
from app.journal.models import JournalEntry
from app.operations.doctor import examine
from app.people import desks
from app.people.actor import Actor
from app.signing import enrol
from app.signing.enrol import Proof
from app.signing.enrolling import possession
from app.signing.enrolling.holder import same_person, written_as
from app.signing.keys.browser import BrowserKey
from app.signing.keys.pkcs12 import Pkcs12Key
from app.signing.models import Certificate
from app.trust.certificates import facts
from app.trust.purpose import Purpose
from tests.builders.certificates import named
from tests.builders.house import House

pytestmark = pytest.mark.in_turn

A, B, S, K = "a.kervadec", "b.cadiou", "s.rivoal", "k.morizur"
ASK, PROVE, MINE = "/compte/certificats/demande", "/compte/certificats/preuve", "/compte/certificats"


def send(house: House, client: FlaskClient, url: str, body: dict[str, Any]) -> Any:
    return client.post(url, json=body, headers={"X-CSRFToken": house.csrf(client)})


def offer(key: Pkcs12Key, **more: Any) -> dict[str, Any]:
    """What the page sends of a key that it has opened."""
    return {
        "provider": "browser",
        "certificate": b64encode(key.certificate).decode(),
        "chain": [b64encode(one).decode() for one in key.chain],
        **more,
    }


def answer(key: Pkcs12Key, asked: dict[str, Any]) -> dict[str, Any]:
    """What the page sends once the key has signed."""
    (item,) = asked["items"]
    made = b64encode(key.sign(b64decode(item["tbs"]))).decode()
    return {"session": asked["session"], "signatures": [{"id": item["id"], "signature": made}]}


def enrolling(house: House, login: str, label: str, **more: Any) -> Any:
    """The two requests of the page."""
    client, key = house.client(login), house.key(label)
    asked = send(house, client, ASK, offer(key, **more))
    return asked if asked.status_code != 200 else send(house, client, PROVE, answer(key, asked.get_json()))


def own(house: House, login: str) -> list[Certificate]:
    with reading() as db:
        return enrol.certificates_of(db, house.actor(login).user_id or 0)


def withdrawn(house: House, login: str) -> None:
    """The person signs with nothing any more."""
    for row in own(house, login):
        enrol.withdraw(house.actor(login), row.id)


def letters(event: str) -> dict[str, dict[str, Any]]:
    with reading() as db:
        rows = db.scalars(sa.select(Outbox).where(Outbox.key.startswith(f"{event}-")))
        return {str(one.recipient): dict(one.payload) for one in rows}


def lines(event: str) -> list[dict[str, Any]]:
    with reading() as db:
        query = sa.select(JournalEntry).where(JournalEntry.event == event).order_by(JournalEntry.id)
        return [{"who": one.who, **facts} for one, facts in origins.as_read(db, db.scalars(query).all())]


def words(answer: Any) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True))).split())


# the honest way


def test_the_key_proves_that_the_certificate_is_there_and_everybody_is_told(house: House) -> None:
    withdrawn(house, A)
    done = enrolling(house, A, "a_kervadec")
    assert (done.status_code, done.get_json()["location"]) == (200, MINE)
    (row,) = own(house, A)
    assert (row.proof, row.to_confirm, row.assurance) == (Proof.CHALLENGE, False, "advanced")
    told = letters("certificate_enrolled")
    with reading() as db:
        people = sa.text("SELECT email FROM user_account WHERE administrator OR login = 'a.kervadec'")
        assert set(told) == set(db.scalars(people))
    (line,) = lines("certificate.enrolled")[-1:]
    assert (line["proof"], line["who"], line["address"]) == ("challenge", "Armel Kervadec", "127.0.0.1")
    house.sign(house.an_invoice(at="bon_a_payer"), A)
    house.drain()
    texts = [" ".join(one.get_body(("plain",)).get_content().split()) for one in house.mail.letters]
    assert any("vient d’être inscrit à votre nom" in one for one in texts)
    assert any("vient d’être inscrit pour Armel Kervadec" in one for one in texts)


def test_a_certificate_alone_enrols_nothing(house: House) -> None:
    """The finding: the director's public certificate, posted from the mayor's session, signed as the mayor."""
    client = house.client(A)
    upload = client.post(MINE, data={"csrf_token": house.csrf(client), "certificate": "x"})
    assert upload.status_code == 405
    public = BrowserKey(house.pki.certificate("rsa4096"), house.pki.chain("rsa4096"))
    asked = send(house, client, ASK, offer(house.key("rsa4096")))
    assert asked.status_code == 200  # the question is free, the answer is not
    for made in (
        b"\0" * 512,
        b"x",
        house.key("a_kervadec").sign(b64decode(asked.get_json()["items"][0]["tbs"])),
    ):
        body = {
            "session": asked.get_json()["session"],
            "signatures": [{"signature": b64encode(made).decode()}],
        }
        refused = send(house, client, PROVE, body)
        assert refused.status_code in {403, 409}
        assert refused.get_json()["detail"].startswith("Le certificat n’a pas été inscrit")
    assert facts(public.certificate).fingerprint_sha256 not in {one.fingerprint for one in own(house, A)}
    assert [one["reason"] for one in lines("signature.refused")] == [
        "possession-wrong",
        "possession-over",
        "possession-over",
    ]


@pytest.mark.parametrize("flip", [0, 100, 255], ids=["first byte", "middle", "last byte"])
def test_a_signature_of_which_one_bit_changed_proves_nothing(house: House, flip: int) -> None:
    key, client = house.key("qualified"), house.client(A)
    asked = send(house, client, ASK, offer(key)).get_json()
    body = answer(key, asked)
    made = bytearray(b64decode(body["signatures"][0]["signature"]))
    made[flip] ^= 1
    body["signatures"][0]["signature"] = b64encode(bytes(made)).decode()
    assert send(house, client, PROVE, body).get_json()["key"] == "possession-wrong"
    assert len(own(house, A)) == 1


# the challenge is of one person, in one session, once, for minutes


@pytest.mark.both_databases
def test_a_challenge_serves_one_person_in_one_session_once(house: House) -> None:
    key, mayor, elsewhere, clerk = house.key("qualified"), house.client(A), house.client(A), house.client(B)
    asked = send(house, mayor, ASK, offer(key)).get_json()
    body = answer(key, asked)
    for other in (elsewhere, clerk):
        assert send(house, other, PROVE, body).get_json()["key"] == "possession-over"
    assert send(house, mayor, PROVE, body).status_code == 200
    withdrawn(house, A)
    assert send(house, mayor, PROVE, body).get_json()["key"] == "possession-over"
    assert own(house, A) == []


def test_a_challenge_ends_with_its_minutes_and_with_the_next_one(house: House) -> None:
    key, client = house.key("qualified"), house.client(A)
    first = answer(key, send(house, client, ASK, offer(key)).get_json())
    second = answer(key, send(house, client, ASK, offer(key)).get_json())
    assert send(house, client, PROVE, first).get_json()["key"] == "possession-over"
    with engine().begin() as connection:
        connection.execute(sa.text("UPDATE possession_challenge SET expires_at = '2026-01-01 00:00:00'"))
    assert send(house, client, PROVE, second).get_json()["key"] == "possession-over"


def test_the_answer_to_a_challenge_enrols_its_own_certificate_whatever_else_is_sent(house: House) -> None:
    """Another certificate's challenge answered with one's own key: the key is held to the certificate that was asked."""
    theirs, mine, client = house.key("b_cadiou"), house.key("qualified"), house.client(A)
    withdrawn(house, B)
    asked = send(house, client, ASK, offer(theirs)).get_json()
    body = {**answer(mine, asked), "certificate": b64encode(mine.certificate).decode()}
    assert send(house, client, PROVE, body).get_json()["key"] == "possession-wrong"


def test_a_signature_of_a_document_is_no_proof_and_a_proof_signs_no_document(house: House) -> None:
    folder_id = house.an_invoice(at="bon_a_payer")
    ready, key = house.prepare(folder_id, A)
    client = house.client(A)
    asked = send(house, client, ASK, offer(key)).get_json()
    assert b64decode(asked["items"][0]["tbs"])[:1] != ready.prepared[0].attributes[:1] == b"1"
    made = b64encode(key.sign(ready.prepared[0].attributes)).decode()
    body = {"session": asked["session"], "signatures": [{"signature": made}]}
    assert send(house, client, PROVE, body).get_json()["key"] == "possession-wrong"
    from app.signing import sign

    asked = send(house, client, ASK, offer(key)).get_json()
    with pytest.raises(Refusal, match="signature-not-yours"):
        sign.complete(house.actor(A), ready.session, [key.sign(b64decode(asked["items"][0]["tbs"]))])


@pytest.mark.parametrize(
    ("label", "cause"),
    [
        ("auth_only", "certificate-authentication-only"),
        ("expired", "certificate-expired"),
        ("revoked", "certificate-revoked"),
        ("foreign_root", "certificate-issuer-unknown"),
    ],
)
def test_what_may_not_sign_is_not_enrolled_and_says_so_in_the_words_of_enrolling(
    house: House, label: str, cause: str
) -> None:
    refused = enrolling(house, A, label).get_json()
    assert (refused["key"], refused["cause"]) == ("certificate-refused", cause)
    assert refused["detail"].startswith("Le certificat n’a pas été inscrit\u00a0: ")
    assert "Common Name" not in refused["detail"]


def test_an_authority_s_own_certificate_is_not_enrolled(house: House) -> None:
    authority = house.pki.chain("a_kervadec")[0]
    body = {"certificate": b64encode(authority).decode(), "chain": []}
    refused = send(house, house.client(A), ASK, body).get_json()
    assert (refused["key"], refused["cause"]) == ("certificate-refused", "certificate-is-authority")


# one owner


def test_one_certificate_has_one_owner_in_the_whole_installation(house: House) -> None:
    taken = enrolling(house, B, "a_kervadec").get_json()
    assert taken["key"] == "certificate-taken"
    assert "Kervadec" not in taken["detail"]  # whose it is is nobody else's business
    other = desks.create_collectivity(
        "212900018", "Ailleurs", department="029", district="1", nature="31", settings={}
    )
    desks.create_user(
        other,
        "autre",
        email="a@ailleurs.example",
        first_name="Armel",
        last_name="Kervadec",
        capacity="Maire",
        password="une phrase assez longue",
    )
    der, there = house.pki.certificate("a_kervadec"), house.actor("autre")
    with pytest.raises(Refusal, match="certificate-taken"):
        enrol.enrol(there, there.user_id or 0, facts(der), der)
    withdrawn(house, A)
    enrol.enrol(there, there.user_id or 0, facts(der), der)  # given up there, free here
    assert enrolling(house, A, "a_kervadec").get_json()["key"] == "certificate-taken"


@pytest.mark.both_databases
def test_of_two_people_who_enrol_it_at_the_same_moment_one_does(house: House) -> None:
    key = house.key("qualified")
    people = [house.actor(one) for one in (A, B, S, K)]
    proofs = []
    for actor in people:
        asked = possession.ask(actor, BrowserKey(key.certificate, tuple(key.chain)))
        proofs.append((actor, asked.challenge, key.sign(asked.prepared.attributes)))
    start = Barrier(len(people))

    def run(proof: Any) -> str:
        start.wait()
        try:
            possession.prove(*proof)
        except Refusal as refusal:
            return refusal.key
        return "enrolled"

    with ThreadPoolExecutor(len(people)) as pool:
        ends = sorted(pool.map(run, proofs))
    assert ends == ["certificate-taken"] * 3 + ["enrolled"]
    with engine().connect() as connection:
        query = sa.select(sa.func.count()).where(
            Certificate.fingerprint == facts(key.certificate).fingerprint_sha256
        )
        assert connection.execute(query).scalar_one() == 1


def doubled(house: House, login: str, label: str = "a_kervadec") -> None:
    """As it was before one owner was asked: the same certificate, to somebody else, behind the product's back."""
    said, der = facts(house.pki.certificate(label)), house.pki.certificate(label)
    actor = house.actor(login)
    with engine().begin() as connection:
        connection.execute(
            sa.insert(Certificate).values(
                collectivity_id=actor.collectivity_id,
                user_id=actor.user_id,
                subject=said.subject,
                issuer=said.issuer,
                serial=said.serial,
                fingerprint=said.fingerprint_sha256,
                not_after=said.not_after,
                der=der,
                enrolled_at=said.not_before,
                enrolled_by="avant",
                doubled=True,
            )
        )


def test_doubles_of_before_are_told_on_the_page_and_by_the_doctor_and_nothing_is_taken_away(
    house: House,
) -> None:
    doubled(house, B)
    page = words(house.client(K).get("/administration/certificats"))
    assert "Un certificat inscrit à plusieurs noms" in page
    assert "signe pour Armel Kervadec et pour Bleuenn Cadiou" in page
    (found,) = [one for one in examine(house.settings) if one.name == "certificats"]
    assert not found.ok
    assert "Armel Kervadec, Bleuenn Cadiou" in found.sentence
    assert len(own(house, A)) == 1
    assert len(own(house, B)) == 2
    assert enrolling(house, S, "a_kervadec").get_json()["key"] == "certificate-taken"
    (row,) = [one for one in own(house, B) if one.doubled]
    enrol.withdraw(house.actor(K), row.id, "inscrit par erreur")
    assert "plusieurs noms" not in words(house.client(K).get("/administration/certificats"))


@pytest.mark.both_databases
def test_the_migration_keeps_every_double_and_marks_who_came_later(house: House) -> None:
    doubled(house, B)
    schema.downgrade("0026_refused_signatures")
    schema.upgrade()
    with engine().connect() as connection:
        marks = connection.execute(sa.text("SELECT user_id, doubled FROM certificate ORDER BY id")).all()
    assert [bool(mark) for _, mark in marks] == [False, False, True]


# the name


@pytest.mark.parametrize(
    ("said", "first", "last", "same"),
    [
        ({"common_name": "Armel KERVADEC"}, "Armel", "Kervadec", True),
        ({"common_name": "KERVADEC Armel"}, "Armel", "Kervadec", True),
        ({"common_name": "M. Armel Kervadec 0123"}, "Armel", "Kervadec", True),
        ({"common_name": "HELENE LE GOFF"}, "Hélène", "Le Goff", True),
        ({"common_name": "Le Goff-Kerdoncuff Anne Marie"}, "Anne-Marie", "Le Goff Kerdoncuff", True),
        ({"common_name": "Armel Jean KERVADEC"}, "Armel", "Kervadec", True),
        ({"common_name": "LECŒUR Maël"}, "Mael", "Lecoeur", True),
        ({"common_name": "N'DIAYE Awa"}, "Awa", "N’Diaye", True),
        ({"common_name": "x", "surname": "KERVADEC", "given_name": "Armel, Jean"}, "Armel", "Kervadec", True),
        (
            {"common_name": "Armel KERVADEC", "surname": "RIVOAL", "given_name": "Solenn"},
            "Armel",
            "Kervadec",
            False,
        ),
        ({"common_name": "Solenn RIVOAL"}, "Armel", "Kervadec", False),
        ({"common_name": "Jean-Pierre MARTIN"}, "Jean", "Martin", False),
        ({"common_name": "Jean MARTIN"}, "Jean-Pierre", "Martin", False),
        ({"common_name": "Jean Armel KERVADEC"}, "Armel", "Kervadec", False),
        ({"common_name": "Armel KERVADEC-RIVOAL"}, "Armel", "Kervadec", False),
        ({"common_name": "Аrmel KERVADEC"}, "Armel", "Kervadec", False),  # a Cyrillic A
        ({"common_name": "Armel"}, "Armel", "Kervadec", False),
        ({"common_name": "Mairie de Kerlann"}, "Armel", "Kervadec", False),
        ({"common_name": "Armel KERVADEC", "pseudonym": "Le maire"}, "Armel", "Kervadec", False),
    ],
)
def test_the_name_is_compared_whatever_accents_case_and_order(
    said: dict[str, str], first: str, last: str, same: bool
) -> None:
    der = named(**said)
    assert same_person(der, first, last) is same
    assert bool(written_as(der, first, last)) is not same


def test_another_name_waits_for_an_administrator_who_confirms(house: House) -> None:
    done = enrolling(house, A, "rsa4096")  # Solenn RIVOAL's key is there, in the mayor's session
    assert done.status_code == 200
    row = own(house, A)[0]
    assert row.to_confirm
    assert letters("certificate_enrolled")[house_mail(K)]["waits"]
    folder_id = house.an_invoice(at="bon_a_payer")
    with pytest.raises(Refusal, match="certificate-to-confirm"):
        house.prepare(folder_id, A, "rsa4096")
    assert "À confirmer par un administrateur" in words(house.client(A).get(MINE))
    admin = house.client(K)
    assert "Nom différent" in words(admin.get("/administration/certificats"))
    page = admin.get(f"/administration/certificats/{row.id}")
    assert "Confirmer : c’est la même personne" in words(page)
    with pytest.raises(Refusal, match="right-missing"):
        enrol.confirm(house.actor(A), row.id)
    post(house, admin, row.id, action="confirm")
    house.prepare(folder_id, A, "rsa4096")
    (line,) = lines("certificate.confirmed")
    assert (line["who"], line["fingerprint"]) == ("Katell Morizur", row.fingerprint)
    assert set(letters("certificate_confirmed")) == {house_mail(A)}


def house_mail(login: str) -> str:
    with reading() as db:
        return str(db.scalar(sa.text(f"SELECT email FROM user_account WHERE login = '{login}'")))


def post(house: House, client: FlaskClient, certificate: int, **form: str) -> Any:
    data = {"csrf_token": house.csrf(client), **form}
    return client.post(f"/administration/certificats/{certificate}", data=data)


def test_an_administrator_declines_with_a_reason_and_the_person_reads_it(house: House) -> None:
    enrolling(house, A, "rsa4096")
    row, admin = own(house, A)[0], house.client(K)
    silent = post(house, admin, row.id, action="end", reason=" ")
    assert (silent.status_code, "Écrivez le motif" in words(silent)) == (422, True)
    assert post(house, admin, row.id, action="end", reason="Ce n’est pas le vôtre").status_code == 302
    (line,) = lines("certificate.declined")
    assert line["why"] == "Ce n’est pas le vôtre"
    house.drain()
    (letter,) = [one for one in house.mail.to(house_mail(A)) if "est refusé" in str(one["Subject"])]
    assert "Ce n’est pas le vôtre" in " ".join(letter.get_body(("plain",)).get_content().split())
    assert "Retirés" in words(admin.get("/administration/certificats"))
    assert enrolling(house, A, "rsa4096").status_code == 200  # asked again, it waits again
    assert own(house, A)[0].to_confirm


def test_what_an_administrator_ended_does_not_come_back_by_its_owner_s_hand_alone(house: House) -> None:
    enrol.withdraw(house.actor(K), own(house, A)[0].id, "tablette perdue")
    assert enrolling(house, A, "a_kervadec").status_code == 200
    assert own(house, A)[0].to_confirm


def another_administrator(house: House) -> Actor:
    desks.create_user(
        house.actor(K).collectivity_id,
        "second",
        email="second@kerlann.example",
        first_name="Second",
        last_name="Administrateur",
        capacity="",
        password="une phrase assez longue",
        administrator=True,
    )
    return house.actor("second")


@pytest.mark.parametrize("alone", [True, False], ids=["alone", "one of two"])
def test_an_administrator_never_confirms_her_own(house: House, *, alone: bool) -> None:
    enrolling(house, K, "ec")
    (row,) = own(house, K)
    if not alone:
        another_administrator(house)
    with pytest.raises(Refusal, match="certificate-own-word"):
        enrol.confirm(house.actor(K), row.id)
    assert own(house, K)[0].to_confirm
    enrol.confirm(another_administrator(house) if alone else house.actor("second"), row.id)
    assert not own(house, K)[0].to_confirm


@pytest.mark.parametrize("ways", [1, 2, 3])
def test_what_an_administrator_ended_waits_however_often_its_owner_withdraws_and_enrols_it(
    house: House, ways: int
) -> None:
    """The finding: ended (« carte volée »), enrolled, withdrawn by its owner's session, enrolled: it signed again."""
    enrol.withdraw(house.actor(K), own(house, A)[0].id, "Carte volée")
    for _ in range(ways):
        assert enrolling(house, A, "a_kervadec").status_code == 200
        assert own(house, A)[0].to_confirm
        withdrawn(house, A)
    enrolling(house, A, "a_kervadec")
    with pytest.raises(Refusal, match="certificate-to-confirm"):
        house.prepare(house.an_invoice(at="bon_a_payer"), A)
    (row,) = own(house, A)
    page = words(house.client(K).get(f"/administration/certificats/{row.id}"))
    assert "Carte volée" in page
    assert "Confirmer : il peut servir de nouveau" in page
    enrol.confirm(house.actor(K), row.id)  # and an administrator's word lifts it for good
    withdrawn(house, A)
    enrolling(house, A, "a_kervadec")
    assert not own(house, A)[0].to_confirm
    house.sign(house.an_invoice(at="bon_a_payer"), A)


def test_what_an_administrator_declined_is_called_refused_and_rows_are_told_apart(house: House) -> None:
    enrolling(house, A, "rsa4096")
    waiting = next(one for one in own(house, A) if one.to_confirm)
    enrol.withdraw(house.actor(K), waiting.id, "Autre personne")
    for login, page in ((K, "/administration/certificats"), (K, f"/administration/certificats/{waiting.id}")):
        told = words(house.client(login).get(page))
        assert "Refusé par Katell Morizur" in told
        assert waiting.serial in told
    enrol.set_purpose(house.actor(K), waiting.id, Purpose.PES)
    (ended,) = [one for one in own(house, A) if one.id != waiting.id]
    enrol.withdraw(house.actor(K), ended.id, "Carte volée")
    enrol.set_purpose(house.actor(K), ended.id, Purpose.SEAL)
    told = words(house.client(K).get("/administration/certificats"))
    assert (told.count("Refusé par"), told.count("Retiré par")) == (1, 1)
    with reading() as db:
        query = sa.select(Outbox.payload).where(Outbox.key.startswith("certificate_withdrawn-"))
        assert [one.get("declined", "") for one in db.scalars(query.order_by(Outbox.id))] == ["yes", ""]


def test_an_end_is_of_accounts_and_not_of_names(house: House) -> None:
    """An administrator who bears her own name's double: the owner's account is another than whoever ended it."""
    with engine().begin() as connection:
        connection.execute(
            sa.text(
                "UPDATE user_account SET first_name = 'Armel', last_name = 'Kervadec' WHERE login = 'k.morizur'"
            )
        )
    enrol.withdraw(house.actor(K), own(house, A)[0].id, "Carte volée")
    enrolling(house, A, "a_kervadec")
    assert own(house, A)[0].to_confirm
    withdrawn(house, A)
    enrolling(house, K, "a_kervadec")  # nor does another account of the same name lift it
    assert own(house, K)[0].to_confirm


def test_an_administrator_s_end_counts_even_an_instant_after_the_owner_s_own(house: House) -> None:
    (row,) = own(house, A)
    withdrawn(house, A)
    enrol.withdraw(house.actor(K), row.id, "Carte volée")
    enrolling(house, A, "a_kervadec")
    assert own(house, A)[0].to_confirm


@pytest.mark.both_databases
def test_the_migration_finds_in_the_journal_what_an_administrator_ended(house: House) -> None:
    enrol.withdraw(house.actor(K), own(house, A)[0].id, "Carte volée")
    enrolling(house, A, "a_kervadec")
    withdrawn(house, B)
    schema.downgrade("0030_proof_holder")
    with engine().begin() as connection:
        connection.execute(sa.text("UPDATE certificate SET to_confirm = false"))  # the owner had got round it
    schema.upgrade()
    with engine().connect() as connection:
        query = "SELECT ended_by, ended_reason, to_confirm FROM certificate WHERE ended_at IS NOT NULL"
        ((by, why, waits),) = connection.execute(sa.text(query)).all()
    assert (by, why, bool(waits)) == ("Katell Morizur", "Carte volée", True)
    enrol.confirm(house.actor(K), own(house, A)[0].id)
    schema.downgrade("0030_proof_holder")
    schema.upgrade()
    assert not own(house, A)[0].to_confirm


def test_the_name_is_compared_again_when_what_served_for_the_seal_is_to_sign(house: House) -> None:
    """The finding: a certificate of somebody else's name came in as the seal's, and was then made to sign."""
    second = another_administrator(house)
    assert enrolling(house, K, "rsa4096", purpose="seal").status_code == 200
    (row,) = own(house, K)
    assert not row.to_confirm
    enrolling(house, K, "rsa4096", purpose="acts")  # again, by the administrator herself
    assert own(house, K)[0].to_confirm
    enrol.set_purpose(house.actor(K), row.id, enrol.Purpose.SEAL)
    enrol.set_purpose(house.actor(K), row.id, enrol.Purpose.PES)
    assert own(house, K)[0].to_confirm
    assert "Nom différent" in words(house.client(K).get("/administration/certificats"))
    with pytest.raises(Refusal, match="certificate-own-word"):
        enrol.confirm(house.actor(K), row.id)
    enrol.confirm(second, row.id)
    enrol.set_purpose(house.actor(K), row.id, enrol.Purpose.ACTS)
    assert not own(house, K)[0].to_confirm  # a word once given for the name holds from use to use
    enrol.set_purpose(house.actor(K), row.id, enrol.Purpose.SEAL)
    assert enrol.set_purpose(house.actor(K), row.id, enrol.Purpose.ACTS)
    assert own(house, K)[0].to_confirm  # but not through the seal


def test_letters_and_pages_say_why_a_certificate_waits_and_what_it_may_do(house: House) -> None:
    def letter(who: str) -> str:
        house.drain()
        return " ".join(house.mail.to(house_mail(who))[-1].get_body(("plain",)).get_content().split())

    enrol.withdraw(house.actor(K), own(house, A)[0].id, "Carte volée")
    enrolling(house, A, "a_kervadec")
    for said in (letter(A), letter(K), words(house.client(A).get(MINE))):
        assert "un administrateur l’avait retiré" in said
        assert "écrit au nom du compte" not in said
        assert "peut signer dès maintenant" not in said
    enrol.confirm(house.actor(K), own(house, A)[0].id)
    assert "qui avait été retiré, peut servir de nouveau. Il peut signer dès maintenant" in letter(A)
    enrolling(house, A, "rsa4096")
    for said in (letter(A), words(house.client(A).get(MINE))):
        assert "il n’est pas écrit au nom du compte" in said
        assert "l’avait retiré" not in said
    client, key = house.client(B), house.key("eseal")
    asked = send(house, client, ASK, offer(key, purpose="seal"))
    send(house, client, PROVE, answer(key, asked.get_json()))
    for said in (letter(B), words(client.get(MINE))):
        assert "ne signe pour personne" in said
        assert "peut signer dès maintenant" not in said


def test_the_administrator_says_what_a_certificate_is_for_and_nobody_else(house: House) -> None:
    (row,) = own(house, A)
    assert post(house, house.client(K), row.id, action="purpose", purpose="pes").status_code == 302
    assert own(house, A)[0].purpose == "pes"
    with pytest.raises(Refusal, match="right-missing"):
        enrol.set_purpose(house.actor(A), row.id, enrol.Purpose.ACTS)
    assert post(house, house.client(K), row.id, action="purpose", purpose="everything").status_code == 400


def test_a_use_that_was_written_on_what_ended_is_no_dead_end(house: House) -> None:
    """The finding: an administrator's open session made it a seal's and ended it; the mayor could never enrol it again."""
    (row,) = own(house, A)
    enrol.set_purpose(house.actor(K), row.id, enrol.Purpose.SEAL)
    enrol.withdraw(house.actor(K), row.id, "par erreur")
    assert enrolling(house, A, "a_kervadec").get_json()["key"] == "certificate-purpose-set"
    admin = house.client(K)
    assert "l’usage vaudra si la personne l’inscrit de nouveau" in words(
        admin.get(f"/administration/certificats/{row.id}")
    )
    assert post(house, admin, row.id, action="purpose", purpose="acts").status_code == 302
    assert enrolling(house, A, "a_kervadec").status_code == 200
    enrol.confirm(house.actor(K), row.id)
    house.sign(house.an_invoice(at="bon_a_payer"), A)


# those of before


def test_a_certificate_of_before_proves_itself_at_its_next_signature(house: House) -> None:
    assert own(house, A)[0].proof == Proof.DECLARED
    enrol.proven(house.actor(B), own(house, A)[0].fingerprint)  # it is not hers
    assert own(house, A)[0].proof == Proof.DECLARED
    house.sign(house.an_invoice(at="bon_a_payer"), A)
    assert own(house, A)[0].proof == Proof.SIGNATURE
    house.sign(house.an_invoice(at="bon_a_payer"), A)
    assert len(lines("certificate.proven")) == 1  # said once
