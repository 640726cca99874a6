"""Linking a certificate kept by the trust service: whoever can have it sign owns it, nobody else."""

import json
import re

import pytest
import sqlalchemy as sa

from app.core.db import engine, reading
from app.journal.chain import verify
from app.people import identity
from app.signing import setting
from app.signing.enrol import certificates_of, withdraw
from app.signing.remote import linking, pending
from app.signing.remote.linking import link
from demo.cast import PASSWORD
from tests.builders.house import House
from tests.builders.remote import CHOOSE, PAGE, At, settings_of
from tests.builders.settings import take_settings
from tests.builders.trust_service import BEARER

pytestmark = pytest.mark.in_turn

MAYOR, SECOND = "kerlann/a_kervadec", "kerlann/b_cadiou"


def words(answer) -> str:
    return re.sub(r"\s+", " ", answer.get_data(as_text=True))


def events(house) -> list[str]:
    with engine().connect() as connection:
        return list(connection.execute(sa.text("SELECT event FROM journal_entry ORDER BY id")).scalars())


def test_a_person_finds_his_certificate_proves_that_it_is_his_and_the_page_says_so(house, at, server) -> None:
    mayor: At = at("a.kervadec")
    assert "Inscrire un certificat à distance" in words(mayor.client.get("/compte/certificats"))
    assert "Signature de Bretagne" in words(mayor.client.get(PAGE))
    found = words(mayor.post(PAGE, user="armel"))
    assert "Armel KERVADEC" in found
    assert "Bleuenn" not in found
    assert server.asked("credentials/list")[-1] == {"userID": "armel"}
    page = mayor.choose(MAYOR)
    assert mayor.links() == []
    done = mayor.prove(page)
    assert done.location == "/compte/certificats"
    assert "Actes, factures et flux comptables, à distance" in words(mayor.client.get(done.location))
    (key,) = mayor.links()
    assert (key.credential, key.certificate) == (MAYOR, house.pki.certificate("a_kervadec"))
    assert events(house)[-1] == "certificate.linked"
    with reading() as db:
        assert verify(db, house.actor("a.kervadec").collectivity_id)[1] is None


def nobody_s(house: House) -> None:
    """The mayor has withdrawn his certificate: it is free for whoever proves that he has its key."""
    with reading() as db:
        rows = [one.id for one in certificates_of(db, house.actor("a.kervadec").user_id or 0)]
    for row in rows:
        withdraw(house.actor("a.kervadec"), row)


def test_without_the_codes_nobody_links_a_certificate_and_three_wrong_ones_lock_it(house, at, server) -> None:
    nobody_s(house)
    second: At = at("b.cadiou")
    page = second.choose(MAYOR)
    for given in ({"pin": "0000"}, {"otp": "00000000"}):
        page = second.prove(page, **given)
        assert page.status_code == 403
        assert "le code donné n’est pas celui" in words(page)
        assert "Code PIN du certificat" in words(page)  # and may be typed again
    assert second.prove(page, pin="0001").status_code == 403
    locked = second.prove(second.choose(MAYOR))
    assert (locked.status_code, "a bloqué ce certificat" in words(locked)) == (403, True)
    assert second.links() == []
    assert server.asked("signHash") == []


def test_a_certificate_has_one_owner_until_he_withdraws_it(house, at) -> None:
    mayor, second = at("a.kervadec"), at("b.cadiou")
    mayor.link()
    taken = second.choose(MAYOR)
    assert (taken.status_code, "au nom d’une autre personne" in words(taken)) == (409, True)
    # He who began before is told at the end, under the same transaction as the writing
    facts, der = linking.facts(house.pki.certificate("a_kervadec")), house.pki.certificate("a_kervadec")
    with pytest.raises(linking.Refusal, match="csc-credential-taken"):
        link(house.actor("b.cadiou"), MAYOR, facts, der, "0" * 64)
    withdraw(house.actor("a.kervadec"), mayor.links()[0].certificate_id)
    assert mayor.links() == []
    second.link(MAYOR)
    assert [one.credential for one in second.links()] == [MAYOR]


def test_a_session_left_open_links_nothing_before_it_proves_who_is_there(house, at, server) -> None:
    mayor: At = at("a.kervadec")
    identity.configure(5)
    try:
        with engine().begin() as connection:
            connection.execute(sa.text("UPDATE login_session SET created_at = '2026-01-01 00:00:00'"))
        asked = mayor.choose(MAYOR)
        assert asked.location == "/compte/confirmer?suite=/compte/certificats/distance"
        assert server.asked("authorize") == []
        back = mayor.post("/compte/confirmer?suite=/compte/certificats/distance", answer=PASSWORD)
        assert back.location == "/compte/certificats/distance"
        mayor.link()
    finally:
        identity.configure(house.settings.reauth_minutes)


def test_linking_twice_is_linking_once(house, at) -> None:
    mayor: At = at("a.kervadec")
    mayor.link()
    again = mayor.link()
    assert [one.id for one in mayor.links()] == [again]


def test_the_service_s_own_page_proves_it_too_and_serves_once(house, at, server) -> None:
    server.mode = "oauth2code"
    mayor: At = at("a.kervadec")
    (page,) = re.findall(
        r'href="(http[^"]+oauth2/authorize[^"]+)"', mayor.choose(MAYOR).get_data(as_text=True)
    )
    back = mayor.accept(page.replace("&amp;", "&"))
    assert mayor.client.get(back).location == "/compte/certificats"
    assert [one.credential for one in mayor.links()] == [MAYOR]
    assert mayor.client.get(back).status_code == 409


def test_an_accord_given_for_one_s_own_certificate_does_not_link_another_s(house, at, server) -> None:
    """The second accepts on the page for his own credential, and brings that code back where the mayor's is awaited."""
    nobody_s(house)
    server.mode = "oauth2code"
    second: At = at("b.cadiou")
    (page,) = re.findall(
        r'href="(http[^"]+oauth2/authorize[^"]+)"', second.choose(MAYOR).get_data(as_text=True)
    )
    back = second.accept(page.replace("&amp;", "&").replace("a_kervadec", "b_cadiou"))
    second.client.get(back)
    assert second.links() == []


def test_a_proof_made_with_another_key_links_nothing(house, at, server) -> None:
    server.swapped = SECOND
    mayor: At = at("a.kervadec")
    answer = mayor.prove(mayor.choose(MAYOR))
    assert (answer.status_code, "n’est pas faite avec ce certificat" in words(answer)) == (502, True)
    assert mayor.links() == []


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ("auth_only", "sert à s’identifier"),
        ("expired", "a expiré"),
        ("revoked", "a été révoqué"),
        ("weak", "trop faible"),
    ],
)
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_certificate_that_may_not_sign_is_not_linked(house, at, label, said) -> None:
    answer = at("a.kervadec").choose(f"kerlann/{label}")
    assert (answer.status_code, said in words(answer)) == (403, True)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_certificate_that_signs_without_asking_anybody_is_not_linked(house, at, server) -> None:
    server.mode = "implicit"
    answer = at("a.kervadec").choose(MAYOR)
    assert (answer.status_code, "ne demande ni code ni accord" in words(answer)) == (403, True)
    assert server.asked("authorize") == []


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_list_says_what_cannot_serve_and_a_silent_service_is_told(house, at, server) -> None:
    mayor: At = at("a.kervadec")
    server.users["armel"].append("kerlann/weak")
    found = words(mayor.post(PAGE, user="armel"))
    assert "trop faible" in found
    assert "aucun certificat à cet identifiant" in words(mayor.post(PAGE, user="personne"))
    server.odd = {"credentials/list": (503, b"", "application/json")}
    silent = mayor.post(PAGE, user="armel")
    assert (silent.status_code, "n’a pas répondu" in words(silent)) == (503, True)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_token_of_the_settings_serves_as_well_and_one_that_is_withdrawn_is_asked_again(
    house, at, server
) -> None:
    mayor: At = at("a.kervadec")
    assert "Armel" in words(mayor.post(PAGE, user="armel"))
    server.tokens = {BEARER}  # the one that the client was given no longer serves
    assert "Armel" in words(mayor.post(PAGE, user="armel"))
    given = {**settings_of(server), "csc_token": setting.SecretStr(BEARER)}
    server.tokens = {BEARER}
    take_settings(house.settings.model_copy(update={**given, "csc_oauth_url": ""}))
    assert "Armel" in words(mayor.post(PAGE, user="armel"))
    assert server.tokens == {BEARER}
    take_settings(house.settings.model_copy(update={**given, "csc_token": setting.SecretStr("autre")}))
    refused = mayor.post(PAGE, user="armel")
    assert (refused.status_code, "refuse l’accès de Paraphe" in words(refused)) == (503, True)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_where_no_service_is_set_nothing_of_it_is_shown_or_answered(house, at) -> None:
    mayor: At = at("a.kervadec")
    take_settings(house.settings.model_copy(update={"csc_url": ""}))
    assert "distance" not in words(mayor.client.get("/compte/certificats"))
    for answer in (
        mayor.client.get(PAGE),
        mayor.choose(MAYOR),
        mayor.client.get("/signature/retour?state=a"),
    ):
        assert "aucun service de signature à distance n’est réglé" in words(answer)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_nobody_tries_codes_without_end(house, at, server) -> None:
    """Whoever guesses would lock the certificate of its owner, at the service: he is slowed here first."""
    nobody_s(house)
    second: At = at("b.cadiou")
    house.app.config["PARAPHE"] = house.settings.model_copy(update={"csc_rate": "2 per minute"})
    page = second.choose(MAYOR)
    told = [second.prove(page, pin="0000").status_code for _ in range(3)]
    assert told == [403, 403, 429]
    assert len(server.asked("authorize")) == 2


def test_codes_are_neither_kept_nor_told_whatever_happens(
    house, at, server, capfd, caplog, monkeypatch
) -> None:
    caplog.set_level("DEBUG")
    mayor: At = at("a.kervadec")
    page = mayor.choose(MAYOR)
    mayor.prove(page, pin="99887766")
    otp = server.otps[-1]
    shown = [words(mayor.prove(page))]
    # A crash in the middle of an answer is told with its incident number, and nothing of what was typed
    monkeypatch.setattr(pending, "keep_in", lambda *_: 1 / 0)
    crashed = mayor.prove(mayor.choose(MAYOR), pin="4711", otp=(last := server.otps[-1]))
    assert crashed.status_code == 500
    sads = [one["SAD"] for one in server.asked("signHash")]
    assert len(sads) == 2
    with engine().connect() as connection:
        tables = ("remote_request", "remote_key", "journal_entry", "outbox")
        shown += [repr(connection.execute(sa.text(f"SELECT * FROM {one}")).all()) for one in tables]
    shown += [
        crashed.get_data(as_text=True),
        caplog.text,
        *capfd.readouterr(),
        json.dumps(dict(mayor.client.get(CHOOSE).headers)),
    ]
    for secret in ("99887766", otp, last, "=4711", ">4711", "'4711'", *sads):
        assert not [one[:200] for one in shown if secret in one], secret
