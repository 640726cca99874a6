"""« Administration › Réglages »: what a collectivity sets for itself serves it alone, is told with its origin, and goes back."""

import hashlib
import hmac
import html
import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from app import create_app
from app.core import sealed
from app.core.clock import now
from app.core.db import engine, reading
from app.core.hold import Hold
from app.core.refusals import Refusal
from app.journal.models import JournalEntry
from app.operations.findings import Unwell
from app.operations.sendings import relay_of
from app.people import desks, identity, login
from app.people.applications import by_command
from app.people.models import Collectivity, LoginSession
from app.people.own_settings.changing import change_setting, forget_setting, try_out
from app.people.own_settings.registry import Source, Value, leading, setting
from config import ConfigurationRefused
from demo.cast import PASSWORD, SIREN
from tests.builders.house import House
from tests.builders.s2low import a_face, town
from tests.channels.test_handover_delivery import receiver

pytestmark = pytest.mark.in_turn

PAGE = "/administration/reglages"
K = "k.morizur"
OUTSIDE = "https://finances.example.org/remises"
LONG_SECRET = "un secret de remise"


def text(answer) -> str:
    """The words of a page, without marks, each space a plain one."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True))).split())


def other_settings(house: House, **changes: object) -> House:
    """The house after a restart with other settings of the installation."""
    chosen = house.settings.model_copy(update=changes)
    return House(create_app(chosen), chosen, house.pki, house.mail)


def here(house: House) -> int:
    return house.actor(K).collectivity_id


def kept(house: House) -> dict[str, object]:
    with reading() as db:
        return dict(db.get_one(Collectivity, here(house)).settings)


def in_force(collectivity_id: int, name: str) -> Value:
    with reading() as db:
        return setting(db, collectivity_id, name)


def journal(event: str) -> list[str]:
    with reading() as db:
        rows = db.scalars(
            sa.select(JournalEntry.facts).where(JournalEntry.event == event).order_by(JournalEntry.seq)
        )
        return [json.loads(one)["words"] if isinstance(one, str) else one["words"] for one in rows]


def aged(minutes: int = 60 * 24 * 300) -> None:
    """Have every session proven so long ago."""
    with engine().begin() as connection:
        created = now() - timedelta(minutes=minutes)
        connection.execute(sa.update(LoginSession).values(created_at=created, proven_at=None))


def post(house: House, client, path: str, **fields: str):
    return client.post(f"{PAGE}/{path}", data={**fields, "csrf_token": house.csrf(client)})


def elsewhere(administrator: str) -> int:
    """Another collectivity, with its own administrator."""
    other = desks.create_collectivity(
        "212900018", "Ailleurs", department="029", district="1", nature="31", settings={}
    )
    desks.create_user(
        other,
        administrator,
        email="a@ailleurs.example",
        first_name="Armel",
        last_name="Ailleurs",
        capacity="Secrétaire",
        password=PASSWORD,
        administrator=True,
    )
    return other


def test_a_value_of_its_own_serves_this_collectivity_alone_and_goes_back(house: House) -> None:
    other = elsewhere("a.ailleurs")
    client, foreign = house.client(K), house.client("a.ailleurs")
    assert post(house, client, "shown_name", value="Mairie de  Kerlann").location == PAGE
    assert in_force(here(house), "shown_name") == Value("Mairie de Kerlann", Source.COLLECTIVITY)
    page = text(client.get(PAGE))
    assert "Mairie de Kerlann La collectivité" in page
    assert "Paraphe Mairie de Kerlann" in page  # in the header
    assert ", Mairie de Kerlann Aide" in page  # in the footer
    assert "commune de Mairie" not in page
    assert "Mairie de Kerlann" not in text(foreign.get(PAGE))
    assert in_force(other, "shown_name").source is Source.INSTALLATION
    assert post(house, client, "shown_name", value="Mairie de Kerlann").location == PAGE
    assert journal("setting.changed") == [
        "Nom affiché : Mairie de Kerlann (avant : le nom de la collectivité, de l’installation)"
    ]
    # The other one goes back to what he has already: nothing of ours changes
    post(house, foreign, "shown_name/revenir")
    assert in_force(here(house), "shown_name").source is Source.COLLECTIVITY
    assert post(house, client, "shown_name/revenir").location == PAGE
    assert in_force(here(house), "shown_name") == Value("", Source.INSTALLATION)
    assert "Paraphe Kerlann-sur-Mer" in text(client.get(PAGE))
    assert len(journal("setting.forgotten")) == 1


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("shown_name", "", "« Nom affiché » est vide"),
        ("shown_name", "x" * 61, "a 61 caractères. Écrivez-en 60 au plus"),
        ("reauth_minutes", "cinq", "« cinq » n’est pas un nombre entier"),
        ("reauth_minutes", "-5", "« -5 » n’est pas un nombre entier"),
        ("reauth_minutes", "²", "« ² » n’est pas un nombre entier"),
        ("reauth_minutes", "0", "va de 1 à 720 min, la valeur de l’installation"),
        ("reauth_minutes", "721", "va de 1 à 720 min, la valeur de l’installation"),
        ("reauth_minutes", "9" * 40, "n’est pas un nombre entier"),
        ("population", "3 012,5", "« 3 012,5 » n’est pas un nombre entier"),
        ("population", "20 000 001", "va de 1 à 20 000 000"),
        ("idle_minutes", "9", "va de 10 à 1 440 min"),
        ("holidays", "lorraine", "« lorraine » n’est pas un choix de « Jours fériés »"),
        ("closing_days", "31/02", "« 31/02 » n’est pas un jour"),
        ("mail_escalation_families", "Devis : 3", "« Devis : 3 » ne dit pas le délai d’une famille"),
        ("mail_escalation_families", "Facture : 3, invoice : 4", "« Facture » a deux délais"),
        ("mail_hours", "19-8", "« 19-8 » ne dit pas deux heures"),
        ("file_mb", "201", "va de 1 à 200 Mo, la valeur de l’installation"),
        ("annexes_most", "501", "va de 1 à 500"),
        ("mail_reply_to", "secretariat", "secretariat"),
        ("mail_reply_to", "a@b.fr\r\nBcc: x@y.fr", "adresse"),
        ("mail_signature", "a\nb\nc\nd\ne", "a 5 lignes. Écrivez-en 4 au plus"),
        ("mail_signature", "La mairie\nériam aL\u202e", "qui retourne ce qui le suit (U+202E)"),
        ("handover_webhook_url", "ftp://finances.example.org/", "demande une adresse entière"),
        ("handover_webhook_url", "https://[::1", "demande une adresse entière"),
        ("handover_webhook_url", OUTSIDE, "16 caractères au moins"),
    ],
)
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_what_is_wrong_is_said_beside_what_was_typed_and_changes_nothing(
    house: House, name: str, value: str, words: str
) -> None:
    client, before = house.client(K), kept(house)
    answer = post(house, client, name, value=value)
    assert answer.status_code == 422
    if name == "mail_signature":  # of who may not write it any more, what was typed is given back too
        other = post(house, house.client("g.trehorel"), name, value="La mairie de Kerlann")
        assert (other.status_code, "La mairie de Kerlann" in text(other)) == (403, True)
    assert words in text(answer)
    assert "Le réglage n’est pas enregistré" in text(answer)
    assert html.escape(value.splitlines()[0] if value else "", quote=True) in answer.get_data(as_text=True)
    assert kept(house) == before
    assert journal("setting.changed") == []


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_delays_of_families_are_kept_by_keys_and_read_on_pages_by_names(house: House) -> None:
    client, name = house.client(K), "mail_escalation_families"
    assert post(house, client, name, value="Délibérations : jamais, facture : 3").status_code == 302
    assert kept(house)[name] == "invoice: 3, deliberation: 0"
    plain = "Facture : 3, Délibération : jamais"
    assert f'value="{plain}"' in client.get(f"{PAGE}/{name}").get_data(as_text=True)
    assert plain in text(client.get(PAGE))
    # As it was shown, nothing changes
    assert post(house, client, name, value=plain).status_code == 302
    (line,) = journal("setting.changed")
    assert f"pour certaines familles : {plain}" in str(line)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_setting_that_is_none_is_a_page_that_does_not_exist(house: House) -> None:
    client = house.client(K)
    for name in ("trust_roots", "handover_webhook_secret", "settings_tried", "x" * 300):
        assert client.get(f"{PAGE}/{name}").status_code == 404
        assert post(house, client, name, value="1").status_code == 404


def test_a_collectivity_is_stricter_than_the_installation_and_never_less(house: House) -> None:
    change_setting(house.actor(K), "reauth_minutes", {"reauth_minutes": "3"})
    assert in_force(here(house), "reauth_minutes") == Value(3, Source.COLLECTIVITY)
    with reading() as db:
        assert identity.minutes_in(db, here(house)) == 3
    client = house.client(K)
    with engine().begin() as connection:
        connection.execute(
            sa.text("UPDATE login_session SET created_at = :at, proven_at = NULL"),
            {"at": "2026-01-01 00:00:00"},
        )
    asked = post(house, client, "shown_name", value="Autre")
    assert asked.status_code == 403
    assert "plus de 3 min" in text(asked)
    # The installation becomes stricter still: it is what serves, and the page says so
    lower = other_settings(house, reauth_minutes=2)
    assert in_force(here(house), "reauth_minutes") == Value(2, Source.INSTALLATION)
    assert "3 min avait été choisi : l’installation demande moins" in text(lower.client(K).get(PAGE))


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_session_left_alone_closes_when_the_collectivity_says(house: House) -> None:
    stays = house.client(K)
    change_setting(house.actor(K), "idle_minutes", {"idle_minutes": "20"})
    with engine().begin() as connection:
        connection.execute(sa.text("UPDATE login_session SET seen_at = datetime('now', '-15 minutes')"))
    assert stays.get(PAGE).status_code == 200
    with engine().begin() as connection:
        connection.execute(sa.text("UPDATE login_session SET seen_at = datetime('now', '-25 minutes')"))
    assert stays.get(PAGE).status_code == 302
    forget_setting(house.actor(K), "idle_minutes")
    assert in_force(here(house), "idle_minutes").source is Source.INSTALLATION
    assert login.idle_minutes() == 0


def test_an_old_session_says_who_is_there_and_no_secret_is_carried_meanwhile(house: House) -> None:
    client = house.client(K)
    change_setting(by_command(here(house)), "reauth_minutes", {"reauth_minutes": "5"})
    aged()
    asked = post(house, client, "handover_webhook_url", value=OUTSIDE, secret=LONG_SECRET)
    assert asked.status_code == 403
    assert "Confirmez que c’est vous" in text(asked)
    assert OUTSIDE in asked.get_data(as_text=True)
    assert LONG_SECRET not in asked.get_data(as_text=True)
    proven = post(house, client, "handover_webhook_url", value=OUTSIDE, answer=PASSWORD)
    assert "Le secret est à taper de nouveau" in text(proven)
    assert "handover_webhook_url" not in kept(house)
    assert post(house, client, "handover_webhook_url", value=OUTSIDE, secret=LONG_SECRET).location == PAGE
    assert kept(house)["handover_webhook_url"] == OUTSIDE
    # Who is there is asked before a page whose file or secret would be lost, which then leaves time to look for it
    for name, path in (("a secret", "handover_webhook_url"), ("a file", "logo")):
        aged()
        before = client.get(f"{PAGE}/{path}")
        assert (before.status_code, "/confirmer" in before.location) == (302, True), name
        given_up = client.post(before.location, data={"csrf_token": house.csrf(client), "given_up": "1"})
        assert given_up.location == PAGE
    there = client.post(before.location, data={"csrf_token": house.csrf(client), "answer": PASSWORD})
    assert there.location == f"{PAGE}/logo"
    aged(minutes=20)
    assert (
        post(house, client, "handover_webhook_url", value=f"{OUTSIDE}/2", secret=LONG_SECRET).location == PAGE
    )
    assert kept(house)["handover_webhook_url"] == f"{OUTSIDE}/2"
    assert "Confirmez que c’est vous" in text(post(house, client, "mail_name", value="Mairie"))
    aged(minutes=40)
    assert "Confirmez que c’est vous" in text(post(house, client, "logo"))
    # Giving up changes nothing
    aged()
    assert post(house, client, "handover_webhook_url/revenir", given_up="1").location == PAGE
    assert kept(house)["handover_webhook_url"] == f"{OUTSIDE}/2"


def test_the_host_says_what_administrators_set_and_sets_all_by_command(house: House) -> None:
    narrow = other_settings(house, collectivity_settings=("shown_name",))
    client = narrow.client(K)
    page = text(client.get(PAGE))
    assert page.count("Par l’hébergeur") == len(leading()) - 1
    assert "tenu par l’hébergeur" in text(client.get(f"{PAGE}/mail_name"))
    for path in ("mail_name", "mail_name/revenir"):
        refused = post(narrow, client, path, value="Mairie")
        assert refused.status_code == 403
        assert "se règle par qui tient l’installation" in text(refused)
    assert "mail_name" not in kept(house)
    with pytest.raises(Refusal, match="setting-host"):
        change_setting(house.actor(K), "mail_name", {"mail_name": "Mairie"})
    run = narrow.app.test_cli_runner().invoke
    assert run(args=["settings", "set", SIREN, "mail_name", "Mairie"]).exit_code == 0
    assert in_force(here(house), "mail_name") == Value("Mairie", Source.COLLECTIVITY)
    listed = run(args=["settings", "list", SIREN]).output
    assert "mail_name : Mairie (La collectivité ; par qui tient l’installation)" in listed
    assert run(args=["settings", "unset", SIREN, "mail_name"]).exit_code == 0
    assert in_force(here(house), "mail_name").source is Source.INSTALLATION
    assert page.count("Changer") == 1
    none = other_settings(house, collectivity_settings=("aucun",))
    assert "Changer" not in text(none.client(K).get(PAGE))
    with pytest.raises(ConfigurationRefused, match="« mail_nom », « shown_nam » ne sont pas des réglages"):
        other_settings(house, collectivity_settings=("shown_nam", "mail_name", "mail_nom"))
    for refused in (
        run(args=["settings", "set", SIREN, "trust_roots", "/etc/ssl"]),
        run(args=["settings", "set", "111111111", "mail_name", "Mairie"]),
        run(args=["settings", "try", SIREN, "trust_roots"]),
        run(args=["settings", "set", SIREN, "mail_name", "Mairie", "--secret-file", __file__]),
    ):
        assert refused.exit_code in {1, 2}
        assert "Traceback" not in refused.output


def test_the_second_of_two_tabs_is_told_what_the_first_wrote_and_overwrites_nothing(house: House) -> None:
    client = house.client(K)
    shown = mark(client, "mail_name")
    assert post(house, client, "mail_name", value="Secrétariat", shown=shown).location == PAGE
    late = post(house, client, "mail_name", value="Mairie", shown=shown)
    assert late.status_code == 409
    assert "vient de changer « Nom de l’expéditeur », qui vaut maintenant « Secrétariat »" in text(late)
    assert 'value="Mairie"' in late.get_data(as_text=True)
    assert post(house, client, "mail_name/revenir", shown=shown).status_code == 409
    assert kept(house)["mail_name"] == "Secrétariat"
    # What was typed is kept, and whoever has read the other's value may write over it
    again = re.search(r'name="shown" value="(\w+)"', late.get_data(as_text=True)).group(1)
    assert post(house, client, "mail_name", value="Mairie", shown=again).location == PAGE
    assert kept(house)["mail_name"] == "Mairie"
    # A secret alone that changed is a change too
    given = {"value": OUTSIDE, "secret": LONG_SECRET}
    assert post(house, client, "handover_webhook_url", **given).location == PAGE
    shown = mark(client, "handover_webhook_url")
    post(house, client, "handover_webhook_url", value=OUTSIDE, secret=f"{LONG_SECRET} de plus", shown=shown)
    assert post(house, client, "handover_webhook_url", **given, shown=shown).status_code == 409


def mark(client, name: str) -> str:
    """What the form of a setting carries of the value that it showed."""
    page = client.get(f"{PAGE}/{name}").get_data(as_text=True)
    return re.search(r'name="shown" value="(\w+)"', page).group(1)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_of_the_installation_s_address_for_handovers_its_server_alone_is_told(house: House) -> None:
    secret = "https://finances.example.org/remises?jeton=tres-secret"
    ours = other_settings(
        house, handover_webhook_url=secret, handover_webhook_secret=SecretStr("seize signes au moins")
    )
    client = ours.client(K)
    assert post(ours, client, "handover_webhook_url", value=OUTSIDE, secret=LONG_SECRET).location == PAGE
    assert post(ours, client, "handover_webhook_url/revenir").location == PAGE
    for path in (PAGE, f"{PAGE}/handover_webhook_url", "/administration/journal"):
        page = client.get(path).get_data(as_text=True)
        assert "celle de l’installation, sur finances.example.org" in text(client.get(path))
        assert "jeton" not in page
    assert "jeton" not in "".join(journal("setting.changed") + journal("setting.forgotten"))
    # Nor is the key that stands in an address of its own a line of the journal, whose hash nobody can take it out of
    keyed = f"{OUTSIDE}?jeton=tres-secret"
    assert post(ours, client, "handover_webhook_url", value=keyed, secret=LONG_SECRET).location == PAGE
    assert "?…" in journal("setting.changed")[-1]
    assert "tres-secret" not in "".join(journal("setting.changed"))


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_an_address_of_answer_with_an_accent_leaves_in_the_form_of_the_dns(house: House) -> None:
    change_setting(house.actor(K), "mail_reply_to", {"mail_reply_to": "accueil@mairie-évron.fr"})
    house.mail.clear()
    assert try_out(house.actor(K), "mail").fine
    (letter,) = house.mail.letters
    assert str(letter["Reply-To"]) == "accueil@xn--mairie-vron-hbb.fr"


def test_somebody_who_administers_no_more_sets_nothing(house: House) -> None:
    stranger = house.actor("t.lescoat")
    for act in (
        lambda: change_setting(stranger, "mail_name", {"mail_name": "Mairie"}),
        lambda: forget_setting(stranger, "mail_name"),
        lambda: try_out(stranger, "mail"),
    ):
        with pytest.raises(Refusal, match="right-missing"):
            act()
    assert house.client("t.lescoat").get(PAGE).status_code == 403


@pytest.mark.both_databases
def test_letters_come_from_who_the_collectivity_says_and_the_trial_reaches_who_asks_alone(
    house: House,
) -> None:
    other = elsewhere("a.ailleurs")
    client = house.client(K)
    post(house, client, "mail_name", value="Mairie de Kerlann")
    post(house, client, "mail_reply_to", value="secretariat@kerlann.example.org")
    post(house, client, "mail_signature", value="Secrétariat <général>\r\n02 98 00 00 00")
    house.mail.clear()
    tried = client.post("/administration/essais/mail", data={"csrf_token": house.csrf(client)})
    assert tried.location == PAGE
    (letter,) = house.mail.letters
    with reading() as db:
        mine = desks.user_of(db, here(house), K).email
    assert mine in str(letter["To"])
    assert letter["From"].addresses[0].display_name == "Mairie de Kerlann"
    assert letter["From"].addresses[0].addr_spec == "ne-pas-repondre@paraphe.invalid"
    assert str(letter["Reply-To"]) == "secretariat@kerlann.example.org"
    plain = letter.get_body(("plain",)).get_content()
    assert plain.splitlines()[-2:] == ["Secrétariat <général>", "02 98 00 00 00"]
    marked = letter.get_body(("html",)).get_content()
    assert "Secrétariat &lt;général&gt;<br>" in marked
    page = text(client.get(PAGE))
    assert f"Le serveur de courriel a pris une lettre pour {mine}" in page
    assert "Dernier essai" in page
    assert journal("setting.tried") == ["Courriel d’essai : réussi"]
    # Every other letter is made alike, and those of another collectivity are as they were
    house.mail.clear()
    desks.ask_reset(K)
    desks.ask_reset("a.ailleurs")
    house.drain()
    names = {
        str(one["To"]).partition(" <")[0]: one["From"].addresses[0].display_name for one in house.mail.letters
    }
    assert sorted(names.values()) == ["Mairie de Kerlann", "Paraphe"]
    assert in_force(other, "mail_name") == Value("Paraphe", Source.INSTALLATION)
    # What was tried under other settings of the installation is to be tried again
    assert "Essayé sous d’autres réglages" not in page
    other = other_settings(house, mail_timeout=3.0)
    assert "Essayé sous d’autres réglages de l’installation : à essayer de nouveau." in text(
        other.client(K).get(PAGE)
    )
    other_settings(house)
    # A server that refuses it, and a restoration that holds all that leaves
    house.mail.refuse[mine] = "550 inconnu"
    assert not try_out(house.actor(K), "mail").fine
    assert "n’a pas pris la lettre : 550 inconnu" in text(client.get(PAGE))
    change_setting(house.actor(K), "mail_reply_to", {"mail_reply_to": "accueil@kerlann.example.org"})
    assert "Dernier essai" not in text(client.get(PAGE)), "what was tried is not what is set now"
    with engine().begin() as connection:
        connection.execute(
            sa.insert(Hold).values(since=sa.func.now(), copied_at=sa.func.now())
            if engine().dialect.name == "postgresql"
            else sa.text("INSERT INTO hold (since, copied_at) VALUES (datetime('now'), datetime('now'))")
        )
    with pytest.raises(Refusal, match="setting-untried"):
        try_out(house.actor(K), "mail")


def test_a_handover_of_its_own_is_tried_by_a_signed_call_that_tells_nothing(house: House) -> None:
    assert "la collectivité n’a pas d’adresse de remise à elle" in text(house.client(K).get(PAGE))
    with pytest.raises(Refusal, match="setting-untried"):
        try_out(house.actor(K), "handover")
    with receiver() as (url, got):
        place = re.search(r"//([^/]+)/", url).group(1)
        ours = other_settings(house, handover_webhook_hosts=(place,))
        client = ours.client(K)
        assert post(ours, client, "handover_webhook_url", value=url, secret=LONG_SECRET).location == PAGE
        tried = client.post("/administration/essais/handover", data={"csrf_token": ours.csrf(client)})
        assert tried.location == PAGE
        assert "a répondu oui (HTTP 201)" in text(client.get(PAGE))
        ((path, headers, body),) = got
    assert path == "/remise?service=finances"
    stamp = headers["X-Paraphe-Timestamp"]
    signed = hmac.new(LONG_SECRET.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    assert headers["X-Paraphe-Signature"] == f"v1={signed}"
    assert json.loads(body).keys() == {"schema", "sender", "sent_at"}
    # The software is gone: it is said, and kept with its hour
    assert not try_out(house.actor(K), "handover").fine
    assert "Le logiciel n’a pas répondu" in text(client.get(PAGE))
    # The secret is in the database sealed, and on no page, line or answer
    assert sealed.unseal(str(kept(house)["handover_webhook_secret"])) == LONG_SECRET
    for page in (PAGE, f"{PAGE}/handover_webhook_url", "/administration/journal"):
        assert LONG_SECRET not in client.get(page).get_data(as_text=True)
    assert journal("setting.changed")[0].endswith("Secret de remise : changé")
    # An address that is not ours to call is refused, whatever the secret
    refused = post(ours, client, "handover_webhook_url", value="https://10.0.0.1/remises", secret=LONG_SECRET)
    assert "cette adresse ne peut pas servir aux remises" in text(refused)
    assert kept(house)["handover_webhook_url"] == url
    post(ours, client, "handover_webhook_url/revenir")
    assert not {"handover_webhook_url", "handover_webhook_secret"} & kept(house).keys()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_an_address_given_by_command_draws_its_secret_once_and_the_doctor_tells_a_lost_one(
    house: House, tmp_path: Path
) -> None:
    run = house.app.test_cli_runner().invoke
    given = run(args=["settings", "set", SIREN, "handover_webhook_url", OUTSIDE])
    assert given.exit_code == 0, given.output
    secret = given.output.rpartition("affiché une seule fois : ")[2].strip()
    assert sealed.unseal(str(kept(house)["handover_webhook_secret"])) == secret
    assert secret not in str(kept(house))
    again = run(args=["settings", "set", SIREN, "handover_webhook_url", f"{OUTSIDE}/2"])
    assert "affiché" not in again.output  # the one that is there still serves
    assert sealed.unseal(str(kept(house)["handover_webhook_secret"])) == secret
    short, empty, before = tmp_path / "secret", tmp_path / "vide", kept(house)
    short.write_text("court\n", encoding="utf-8")
    empty.write_text(" \n", encoding="utf-8")
    for words, why in (
        (["http://finances.example.org/"], "doit commencer par https://"),
        (["https://10.0.0.1/remises"], "ne peut pas servir aux remises"),
        ([OUTSIDE, "--secret-file", str(short)], "16 caractères au moins"),
        ([OUTSIDE, "--secret-file", str(empty)], "« Secret de remise » est vide"),
    ):
        refused = run(args=["settings", "set", SIREN, "handover_webhook_url", *words])
        assert refused.exit_code == 1
        assert why in refused.output.replace("\xa0", " ")
        assert kept(house) == before
    looked = ["doctor", "--only", "logiciels"]
    assert "ne se lit plus" not in run(args=looked).output
    with engine().begin() as connection:  # as after another PARAPHE_SECRET_KEY
        table = Collectivity.__table__
        shut = {**before, "handover_webhook_secret": "g1.AAAA"}
        connection.execute(sa.update(table).where(table.c.id == here(house)).values(settings=shut))
    ill = run(args=looked)
    assert ill.exit_code == 1
    assert "le secret de l’adresse de remise ne se lit plus (Kerlann-sur-Mer)" in ill.output.replace(
        "\xa0", " "
    )


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_operator_is_asked_whether_it_knows_the_collectivity(house: House, tmp_path: Path) -> None:
    assert "l’installation n’a pas d’opérateur" in text(house.client(K).get(PAGE))
    (tmp_path / "face").mkdir()
    with a_face(tmp_path / "face") as face:
        ours = town(house, face)
        result = try_out(ours.actor(K), "s2low")
        assert (result.fine, result.sentence) == (True, "L’opérateur reconnaît la collectivité.")
        assert "L’opérateur reconnaît la collectivité." in text(ours.client(K).get(PAGE))
        (face.accounts / SIREN / "client.pem").unlink()
        lost = try_out(ours.actor(K), "s2low")
    assert not lost.fine
    assert "n’a pas de certificat" in lost.sentence
    assert str(tmp_path) not in lost.sentence


def test_without_an_address_for_the_prefecture_it_is_said_until_one_is_given(
    house: House, tmp_path: Path
) -> None:
    (tmp_path / "face").mkdir()
    with a_face(tmp_path / "face") as face:
        ours = town(house, face, actes_email="")
        assert in_force(here(ours), "actes_email") == Value("", Source.INSTALLATION)
        line = "Adresse donnée à la préfecture Enveloppe de chaque acte transmis aucune L’installation"
        assert line in text(ours.client(K).get(PAGE))
        with pytest.raises(Unwell) as told:
            relay_of(ours.settings, here(ours), SIREN)
        assert "aucune adresse n’est donnée à la préfecture" in str(told.value)
        assert "donnez-la sous « Réglages »" in str(told.value)
        # Where administrators may not give it, who holds the installation is to be told
        closed = town(house, face, actes_email="", collectivity_settings=("mail_name",))
        with pytest.raises(Unwell, match="à qui tient l’installation"):
            relay_of(closed.settings, here(closed), SIREN)
        ours = town(house, face, actes_email="")
        change_setting(ours.actor(K), "actes_email", {"actes_email": "actes@kerlann.example.org"})
        assert relay_of(ours.settings, here(ours), SIREN) == "l’opérateur reconnaît la collectivité"
